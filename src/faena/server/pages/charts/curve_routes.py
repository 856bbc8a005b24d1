"""HTTP of curves: what the charts of a run and of several runs are drawn from."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.rights import READ
from faena.objects.service import Objects
from faena.runs import store as runs
from faena.server.pages.charts.curve_bytes import encoded
from faena.tracking.model import SCRIPT
from faena.tracking.overlay import MOST_BUCKETS, OverlayAxis, Wanted, overlays

MOST_RUNS = 200
MOST_TOGETHER = 2_000
"""Curves of one answer: runs times names."""


@get("/curves", summary="Metrics of runs, least and greatest of so many buckets as float32", opt=READ)
async def curves(
    database: Database,
    objects: Objects,
    clock: Clock,
    run: Annotated[list[str], Parameter(max_items=MOST_RUNS)],
    name: Annotated[list[str], Parameter(max_items=MOST_RUNS)],
    axis: OverlayAxis = "step",
    source: str = SCRIPT,
    buckets: Annotated[int, Parameter(ge=10, le=MOST_BUCKETS)] = MOST_BUCKETS,
    start: Annotated[float | None, Parameter(query="from")] = None,
    stop: Annotated[float | None, Parameter(query="to")] = None,
) -> Response[bytes]:
    """One metric of many runs, or many of one; those that a run does not have are left out."""
    names = tuple(name[: max(1, MOST_TOGETHER // len(run))])
    wanted = Wanted(names, axis, buckets, start, stop, source)

    def build(read: Read) -> bytes:
        there = runs.get_many(read, run)
        found = [there[each] for each in run if each in there and there[each].deletion is None]
        lived = {
            each.id: (each.started_at or each.created_at, each.ended_at or clock.now()) for each in found
        }
        return encoded(overlays(read, objects.files, lived, wanted))

    data = await database.read(build)
    headers = {"cache-control": "no-store"}
    return Response(data, media_type="application/octet-stream", headers=headers)


handlers = [curves]
