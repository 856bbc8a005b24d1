"""The runs of a workspace, found by the filter language of docs/filters.md."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from faena.client.workspaces.session import Session
from faena.kernel.clock import seconds_between
from faena.kernel.errors import UserErrorException
from faena.runs.list_schemas import RunRow
from faena.script.messages import warn_caller


def rows(
    session: Session,
    filter: str | None = None,  # noqa: A002  the word of command line and HTTP
    sort: str | None = None,
    limit: int | None = None,
    *,
    whole: bool = False,
) -> Iterator[RunRow]:
    """Rows of the list, fetched in pages as they are asked for. `whole`: with parameters and metrics.

    Raises UserErrorException that points at what cannot be read.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise UserErrorException(f"limit is {limit!r}. Use a whole number, 1 or more, or None for all.")
    return islice(_pages(session, filter, sort, whole=whole), limit)


def _pages(session: Session, wanted: str | None, sort: str | None, *, whole: bool) -> Iterator[RunRow]:
    """Warns of what was asked for by name and no run has: nothing would be found, and nobody would know why."""
    after: str | None = None
    while True:
        page = session.api.page(filter=wanted, sort=sort, whole=whole, after=after)
        if page.note:
            warn_caller(page.note)
        yield from page.runs
        if page.next is None:
            return
        after = page.next


def frame(session: Session, filter: str | None, sort: str | None, limit: int | None) -> Any:  # noqa: A002  as above
    """A pandas data frame with a row a run: `tags.…`, `parameters.…` and `metrics.…` (last values) are columns.

    Raises UserErrorException where pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise UserErrorException(
            "A data frame needs pandas, which is not installed. `pip install pandas`."
        ) from None
    found = [_flat(row) for row in rows(session, filter, sort, limit, whole=True)]
    made = pandas.DataFrame(found, columns=None if found else _ALWAYS)
    for name in ("created", "started", "ended"):
        if name in made:
            made[name] = pandas.to_datetime(made[name], unit="us", utc=True)
    return made


_ALWAYS = ["id", "experiment", "number", "name", "status", "user", "target", "type", "parent"]
_ALWAYS += ["created", "started", "ended", "duration"]
"""Columns of a frame without rows, too."""


def _flat(row: RunRow) -> dict[str, Any]:
    began, end = row.started_at, row.ended_at
    ended = None if began is None or end is None else seconds_between(began, end)
    flat: dict[str, Any] = {
        "id": row.id,
        "experiment": row.experiment,
        "number": row.number,
        "name": row.name,
        "status": row.status,
        "user": row.user,
        "target": row.cluster,
        "type": row.type,
        "parent": row.parent,
        "created": row.created_at,
        "started": row.started_at,
        "ended": row.ended_at,
        "duration": ended,
    }
    for kind, values in (("tags", row.tags), ("parameters", row.parameters), ("metrics", row.metrics)):
        flat |= {f"{kind}.{name}": value for name, value in (values or {}).items()}
    return flat
