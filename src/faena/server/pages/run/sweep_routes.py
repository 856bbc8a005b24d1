"""HTTP of a sweep's page: what changes while it goes on, what its charts draw, the way to a trial."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Redirect

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound
from faena.kernel.rights import READ
from faena.objects.service import Objects
from faena.runs import service
from faena.server.pages.rendering import page, render, run_address
from faena.server.pages.run import top as run_top
from faena.server.pages.run.routes import Pixels
from faena.server.pages.sweeps import data as sweep_data
from faena.server.pages.sweeps import page as sweep_page
from faena.sweeps import glances
from faena.sweeps.model import Sweep

_LONGEST_LIST = 10 * sweep_data.MOST_CURVES
_LONGEST_NUMBER = 9


@get(
    "/{run_id:str}/sweep/parts", summary="The parts of a sweep's page that change while it goes on", opt=READ
)
async def parts(
    run_id: str,
    database: Database,
    clock: Clock,
    log: str = "",
    sort: str = sweep_page.NEWEST,
    start: Annotated[int, Parameter(query="from", ge=0, le=10_000_000)] = 0,
) -> Response[str]:
    def build(read: Read) -> str:
        found = _sweep(read, run_id)
        part = sweep_page.build(read, found, sweep_page.Asked(sort, start, log))
        return render("sweep/parts.html", top=run_top.build(read, run_id, clock.now()), sweep=part)

    return page(await database.read(build))


@get("/{run_id:str}/sweep/data", summary="A sweep's trials, as many as its charts show", opt=READ)
async def data(run_id: str, database: Database) -> Response[bytes]:
    return _json(await database.read(lambda read: sweep_data.build(read, _sweep(read, run_id))))


@get(
    "/{run_id:str}/sweep/curves", summary="Curves of the primary metric of some of a sweep's trials", opt=READ
)
async def curves(
    run_id: str, database: Database, objects: Objects, pixels: Pixels = 200, have: str = ""
) -> Response[bytes]:
    """`have`: numbers of trials, separated by commas, of which the asker has the whole curve."""
    known = {
        int(each)
        for each in have[:_LONGEST_LIST].split(",")
        if each.isascii() and each.isdigit() and len(each) <= _LONGEST_NUMBER
    }

    def build(read: Read) -> sweep_data.TrialCurves:
        return sweep_data.curves(read, objects.files, _sweep(read, run_id), pixels, known)

    return _json(await database.read(build))


@get("/{run_id:str}/trials/{number:int}", summary="The page of a trial's run", opt=READ)
async def trial(run_id: str, number: int, database: Database) -> Redirect:
    found = await database.read(lambda read: glances.run_of(read, run_id, number))
    if found is None:
        raise NotFound(f"Trial {number} of {run_id[:200]!r} has no run.")
    return Redirect(run_address(found))


def _sweep(read: Read, run_id: str) -> Sweep:
    """Raises NotFound."""
    found = sweep_page.sweep_of(read, service.get(read, run_id))
    if found is None:
        raise NotFound(f"Run {run_id} is no sweep.")
    return found


def _json(value: Any) -> Response[bytes]:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), media_type="application/json", headers=headers)


handlers = [parts, data, curves, trial]
