"""HTTP of tidying."""

from __future__ import annotations

from typing import Annotated

from litestar import Request, delete, get, post, put
from litestar.datastructures import State
from litestar.params import Parameter

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.rights import OWN, READ
from faena.kernel.routing import Router
from faena.models import service as models
from faena.people.callers import caller_of
from faena.tidying import deleting, retention, usage
from faena.tidying.garbage_collection import Collector
from faena.tidying.schemas import (
    AnyRule,
    Applied,
    CollectionRequest,
    CollectionView,
    DeletionRequest,
    DeletionView,
    RuleView,
    UsageView,
)
from faena.tracking.model import Limits
from faena.workspaces.model import WorkspaceFolder


@post(
    "/deletions",
    status_code=200,
    summary="Delete runs, a part of them, or models; or say what that would free",
    opt=OWN,
)
async def make_deletion(data: DeletionRequest, database: Database, clock: Clock) -> DeletionView:
    return await deleting.delete(database, data, clock.now())


@get("/deletions", summary="Deletions that can be undone, the newest first", opt=READ)
async def list_deletions(database: Database) -> list[DeletionView]:
    return await database.read(deleting.listed)


@post(
    "/deletions/{number:int}/undo", status_code=200, summary="Bring back what a deletion took away", opt=OWN
)
async def undo_deletion(number: int, database: Database) -> DeletionView:
    return await database.write(lambda write: deleting.undo(write, number))


@post(
    "/collections",
    status_code=200,
    summary="Remove for good what can no longer be undone, and unneeded bytes",
    opt=OWN,
)
async def collect(data: CollectionRequest, collector: Collector) -> CollectionView:
    return await collector.collect(data)


@delete(
    "/{name:str}/versions/{version:int}", summary="Delete a version; its number is never used again", opt=OWN
)
async def delete_model(
    name: str,
    version: int,
    request: Request[None, None, State],
    database: Database,
    clock: Clock,
    user: str = "",
) -> None:
    """Silent when it was deleted before."""
    caller = caller_of(request)
    asked = DeletionRequest(models=(f"{name}:{version}",), user=user if caller is None else caller.person)
    if not await database.read(lambda read: models.was_deleted(read, name, version)):
        await deleting.delete(database, asked, clock.now())


@get("/retention", summary="Retention rules by name", opt=READ)
async def list_rules(database: Database) -> list[RuleView]:
    return await database.read(retention.listed)


@put("/retention/{name:str}", status_code=200, summary="Add a retention rule, or replace it", opt=OWN)
async def put_rule(name: str, data: AnyRule, database: Database, clock: Clock, limits: Limits) -> RuleView:
    view = await retention.put(database, name, data, clock.now())
    limits.log_bytes = await database.read(retention.log_limit)
    return view


@delete("/retention/{name:str}", summary="Remove a retention rule", opt=OWN)
async def remove_rule(name: str, database: Database, limits: Limits) -> None:
    await retention.remove(database, name)
    limits.log_bytes = await database.read(retention.log_limit)


@post(
    "/retention/apply",
    status_code=200,
    summary="Apply all retention rules, or say what they would take away",
    opt=OWN,
)
async def apply_rules(database: Database, clock: Clock, dry_run: bool = False) -> list[Applied]:
    return await retention.apply(database, clock.now(), dry_run=dry_run)


@get("/usage", summary="Bytes on disk by place, experiment, run and model", opt=READ)
async def show_usage(
    database: Database, folder: WorkspaceFolder, largest: Annotated[int, Parameter(ge=1, le=1000)] = 10
) -> UsageView:
    return await usage.usage(database, folder, largest)


router = Router(
    "/",
    route_handlers=[
        make_deletion,
        list_deletions,
        undo_deletion,
        collect,
        list_rules,
        put_rule,
        remove_rule,
        apply_rules,
        show_usage,
    ],
    tags=["tidying"],
)
