"""HTTP of evaluation sets."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get
from litestar.params import Parameter

from faena.db import Database
from faena.kernel.rights import OWN, READ
from faena.kernel.routing import Router
from faena.traces.evaluation_sets import listing, store
from faena.traces.evaluation_sets.schemas import EvaluationSets, EvaluationSetView, RecordPage

Start = Annotated[int, Parameter(query="from", ge=0, le=10_000_000)]
Limit = Annotated[int, Parameter(ge=1, le=1000)]


@get("/", summary="Evaluation sets, of an experiment or all, the latest first", opt=READ)
async def list_sets(
    database: Database,
    experiment: str | None = None,
    text: Annotated[str | None, Parameter(max_length=200)] = None,
    start: Start = 0,
    limit: Limit = 100,
) -> EvaluationSets:
    """`text`: in their names."""
    return await database.read(lambda read: listing.sets(read, experiment, text, start, limit))


@get("/{set_id:str}", summary="An evaluation set without its records", opt=READ)
async def show(set_id: str, database: Database) -> EvaluationSetView:
    return await database.read(lambda read: listing.one(read, set_id))


@get("/{set_id:str}/records", summary="Records of an evaluation set as they came, in pages", opt=READ)
async def list_records(set_id: str, database: Database, start: Start = 0, limit: Limit = 100) -> RecordPage:
    return await database.read(lambda read: listing.records(read, set_id, start, limit))


@delete("/{set_id:str}", summary="Delete an evaluation set for good, with its records", opt=OWN)
async def remove(set_id: str, database: Database) -> None:
    """Silent when it was deleted before."""
    await database.write(lambda write: store.delete(write, set_id))


router = Router(
    "/evaluation-sets", route_handlers=[list_sets, show, list_records, remove], tags=["evaluation sets"]
)
