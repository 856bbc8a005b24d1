"""HTTP of a run's log: a part of it, and what is looked for in it."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.rights import READ
from faena.objects.service import Objects
from faena.server.pages.rendering import page, render
from faena.server.pages.run import log as run_log
from faena.server.pages.run import top as run_top
from faena.tracking import query
from faena.tracking.model import SCRIPT
from faena.workspaces.model import WorkspaceFolder

Offset = Annotated[int, Parameter(ge=0, le=1 << 53)]
_LONGEST = 500
"""Characters that are looked for."""
_MOST_METRICS = 200


@get(
    "/{run_id:str}/log", summary="Page: a part of a log of a run, and where something stands in it", opt=READ
)
async def show_log(
    run_id: str,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
    log: str = "",
    q: str = "",
    at: Offset = 0,
    until: Offset | None = None,
    start: Annotated[int, Parameter(query="from", ge=0, le=1 << 53)] = 0,
    line: Annotated[int, Parameter(ge=1, le=1 << 53)] = 1,
    attempt: Annotated[int | None, Parameter(ge=1, le=1 << 31)] = None,
) -> Response[str]:
    """`q`: what is looked for, from the byte `from` on, the line `line`. `at`, `until`: the bytes shown.

    `attempt`: that one's log, with what it logged as metrics; default: the latest one's.
    """
    text = q[:_LONGEST]

    def build(read: Read) -> tuple[run_top.RunTop, run_log.Log, list[tuple[str, ...]]]:
        top = run_top.build(read, run_id, clock.now())
        logs = query.logs(read, run_id, attempt)
        numbers = [] if attempt is None or q else _numbers(read, run_id, attempt)
        return top, run_log.build(read, objects.files, run_id, log, logs, at, until, attempt), numbers

    top, part, numbers = await database.read(build)
    found = None
    if text and part.name:
        found = await run_log.search(database, objects.files, run_id, part, text, start, line)
    around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
    return page(render("log.html", top=top, log=part, found=found, q=text, numbers=numbers, **around))


def _numbers(read: Read, run_id: str, attempt: int) -> list[tuple[str, ...]]:
    """What an attempt logged: name, how many values, the last, least and greatest of them."""
    found = query.metric_summaries(read, run_id, source=SCRIPT, attempt=attempt)[:_MOST_METRICS]
    return [(each.name, f"{each.count:,}", *map(_told, (each.last, each.min, each.max))) for each in found]


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


handlers = [show_log]
