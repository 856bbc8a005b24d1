"""HTTP of finding runs."""

from __future__ import annotations

from math import isinf
from typing import Annotated

from litestar import get
from litestar.params import Parameter

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.rights import READ
from faena.runs import package_dates, record_store
from faena.runs import search as lists
from faena.runs.list_schemas import RunPage, RunRow
from faena.runs.model import Run
from faena.search import empty_results, service
from faena.tracking import query

_ALL = lists.Wanted()

Limit = Annotated[int, Parameter(ge=1, le=1000)]


@get("/", summary="Runs that a filter means, sorted, in pages; by default all, newest first", opt=READ)
async def list_runs(
    database: Database,
    clock: Clock,
    text: Annotated[str | None, Parameter(query="filter")] = None,
    sort: str | None = None,
    after: str | None = None,
    experiment: str | None = None,
    status: str | None = None,
    kind: Annotated[str | None, Parameter(query="type")] = None,
    tags: str | None = None,
    properties: str | None = None,
    prefix: str | None = None,
    parent: str | None = None,
    recursive: bool = False,
    include_children: bool = True,
    archived: bool = False,
    whole: bool = False,
    limit: Limit = 100,
) -> RunPage:
    """`filter` and `sort` are in the language of docs/filters.md. `whole`: with parameters and metrics.

    Archived runs are left out unless `archived`, or where the filter asks about it; runs that another run started only
    by `include_children=false`, unless the filter asks about `parent`.
    """
    wanted = lists.Wanted(
        experiment=experiment,
        status=status,
        type=kind,
        tags=lists.parse_marks(tags, "tags"),
        properties=lists.parse_marks(properties, "properties"),
        prefix=prefix,
        parent=parent,
        recursive=recursive,
        include_children=include_children,
        include_archived=archived,
    )

    def find(read: Read) -> RunPage:
        now = clock.now()
        page = service.find(read, wanted, now, text=text, sort=sort, after=after, limit=limit)
        rows = _rows(read, page.runs, whole=whole)
        if after is not None or (rows and not sort):
            return RunPage(rows, page.next)
        note = " ".join(empty_results.unknown(read, _ALL if rows else wanted, None if rows else text, sort))
        empty = None if rows else empty_results.why(read, wanted, now, text=text, hidden=not note)
        return RunPage(rows, page.next, empty, note)

    return await database.read(find)


def _infinite(metrics: dict[str, float | None] | None) -> dict[str, bool] | None:
    found = {name: value > 0 for name, value in (metrics or {}).items() if value is not None and isinf(value)}
    return found or None


def _rows(read: Read, found: list[Run], *, whole: bool) -> list[RunRow]:
    ids = [run.id for run in found]
    tags = record_store.list_tags(read, ids)
    parameters = record_store.list_parameters(read, ids) if whole else {}
    metrics = query.last_values(read, ids) if whole else {}
    days = package_dates.of_many(read, found) if whole else {}
    return [
        RunRow(
            run.id,
            run.experiment,
            run.number,
            run.shown_status,
            run.user,
            run.cluster,
            run.created_at,
            run.started_at,
            run.ended_at,
            tags[run.id],
            run.parent,
            run.type,
            run.name,
            parameters.get(run.id),
            metrics.get(run.id),
            run.archived_at,
            _infinite(metrics.get(run.id)),
            *days.get(run.id, ()),
        )
        for run in found
    ]
