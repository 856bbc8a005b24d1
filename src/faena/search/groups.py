"""All runs that a filter means by a value that they share: how many there are of each, and how well they do."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.runs import search as lists
from faena.runs.store import runs
from faena.search import fields, service
from faena.search.language import GROUP, Field, Source

MOST = 1_000
"""Groups that are told apart."""
_SUMMED = 1e290
"""A sum of so many runs of larger values might be more than a double holds, which PostgreSQL refuses."""


class FoundGroup(Struct, frozen=True):
    value: str | None
    """None: of runs that have none."""
    count: int
    least: float | None = None
    """Of the metric, as what follows; None where no run of the group has it."""
    greatest: float | None = None
    mean: float | None = None


def of(field: Field) -> fields.Column:
    """Raises UserErrorException for what no runs share."""
    source = Source(str(field), GROUP)
    found = fields.column(field, source)
    if found.kind not in ("text", "either"):
        source.refuse(field.at, "group by a text, such as experiment, status, tags.KEY or parameters.NAME.")
    return found


def groups(
    read: Read,
    wanted: lists.Wanted,
    now: Micros,
    *,
    by: Field,
    text: str | None = None,
    metric: Field | None = None,
    best: str = "",
) -> list[FoundGroup]:
    """`MOST` at most. `best`: `least` or `greatest` of the metric, those with the best first; else the newest first.

    Raises UserErrorException that points at what cannot be read.
    """
    column = of(by)
    figure = None if metric is None else fields.column(metric, Source(str(metric), GROUP))
    if figure is not None and figure.kind != "number":
        raise UserErrorException(f"{metric} is no metric: groups are compared by one.")
    rows = _rows(read, wanted, now, text, column, figure)
    value, known = rows.c.value, rows.c.figure
    summed = sa.case((sa.func.abs(known) <= _SUMMED, known))
    least, greatest = sa.func.min(known), sa.func.max(known)
    statement = sa.select(
        value,
        sa.func.count(),
        least,
        greatest,
        sa.func.sum(summed),
        sa.func.count(summed),
        sa.func.count(known),
    ).group_by(value)
    newest = sa.func.max(rows.c.created).desc()
    first = {"least": [least.is_(None), least], "greatest": [greatest.is_(None), greatest.desc()]}
    found = read.execute(statement.order_by(*first.get(best, []), newest, value).limit(MOST))
    return [_found(tuple(row)) for row in found]


def _rows(
    read: Read,
    wanted: lists.Wanted,
    now: Micros,
    text: str | None,
    column: fields.Column,
    figure: fields.Column | None,
) -> sa.Subquery:
    """One for each run: what it is grouped by, and its figure."""
    place: sa.FromClause = runs
    for each in (column, figure):
        if each is not None and each.table is not None and each.here is not None:
            place = place.outerjoin(each.table, sa.and_(each.table.c.run_id == runs.c.id, each.here))
    number = sa.cast(sa.null(), sa.Double) if figure is None else sa.cast(figure.value, sa.Double)
    statement = sa.select(
        column.value.label("value"), number.label("figure"), runs.c.created_at.label("created")
    )
    return statement.select_from(place).where(*service.conditions(wanted, now, text)).subquery()


def _found(row: Sequence[object]) -> FoundGroup:
    value, count, least, greatest, total, summed, known = row
    mean = total / summed if summed and summed == known else None  # type: ignore[operator]  # as they were asked for
    return FoundGroup(value, count, least, greatest, mean)  # type: ignore[arg-type]  # the same
