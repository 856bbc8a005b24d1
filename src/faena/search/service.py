"""Finds runs: filter, order and pages."""

from __future__ import annotations

import base64
import json
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.runs import search as lists
from faena.runs import store
from faena.runs.model import Run
from faena.runs.store import runs
from faena.search import fields, language
from faena.search.language import And, Comparison, Node, Not, Source

NEWEST_FIRST = "-created"
_RECENT = 5_000
_RARE = 2_000


class Page(Struct, frozen=True):
    runs: list[Run]
    next: str | None
    """What gives the next page; None after the last."""


class Within(Struct, frozen=True):
    """A group: runs that have this value there; None: that have none."""

    column: fields.Column
    value: str | None


class _Order(Struct, frozen=True):
    column: fields.Column
    descending: bool

    @property
    def newest_first(self) -> bool:
        return self.descending and self.column.value is runs.c.created_at


class _Place(Struct, frozen=True):
    """Where a page ended: the value that the list is sorted by, then when the run was created, then its id."""

    value: Any
    created: Micros
    id: str


def find(
    read: Read,
    wanted: lists.Wanted,
    now: Micros,
    *,
    text: str | None = None,
    sort: str | None = None,
    after: str | None = None,
    limit: int = 100,
    within: Within | None = None,
) -> Page:
    """A page of the runs that are `wanted` and that the filter `text` means.

    `sort`: a field, smallest first, or with `-` before it largest first; runs without such a value come last, equal
    ones newest first. `after`: `next` of the page before, asked for in the same way. `within`: of a group alone.
    Raises UserErrorException that points at what cannot be read.
    """
    node, wanted = _parsed(wanted, text)
    source = Source(text or "")

    def conditions(*, probing: bool) -> list[sa.ColumnElement[bool]]:
        found = _conditions(wanted, node, source, now, probing=probing)
        return found if within is None else [*found, _within(within)]

    order = _order(read, sort or NEWEST_FIRST)
    place = None if after is None else _decode(after, order)
    found: list[tuple[Run, Any]] = []
    if order.newest_first and not (node is not None and _is_rare(read, node, source, now)):
        recent = _recent(read, place)
        found = _query(read, [*conditions(probing=True), recent], order, place, limit + 1, valued=True)
    if len(found) <= limit:
        everywhere, found = conditions(probing=False), []
        if place is None or place.value is not None:
            found = _query(read, everywhere, order, place, limit + 1, valued=True)
        if len(found) <= limit:
            rest = place if place is not None and place.value is None else None
            found += _query(read, everywhere, order, rest, limit + 1 - len(found), valued=False)
    shown = found[:limit]
    following = None
    if len(found) > limit:
        run, value = shown[-1]
        following = _encode(_Place(value, run.created_at, run.id))
    return Page([run for run, _ in shown], following)


def conditions(wanted: lists.Wanted, now: Micros, text: str | None) -> list[sa.ColumnElement[bool]]:
    """What holds for the runs that are `wanted` and that the filter means, and for no others."""
    node, wanted = _parsed(wanted, text)
    return _conditions(wanted, node, Source(text or ""), now, probing=False)


def _parsed(wanted: lists.Wanted, text: str | None) -> tuple[Node | None, lists.Wanted]:
    """A filter that asks for archived runs, or by parents, means those too."""
    node = language.parse(text) if text is not None and text.strip() else None
    asked = language.fields_of(node) if node is not None else set()
    return node, replace(
        wanted,
        include_archived=wanted.include_archived or "archived" in asked,
        include_children=wanted.include_children or "parent" in asked,
    )


def _conditions(
    wanted: lists.Wanted, node: Node | None, source: Source, now: Micros, *, probing: bool
) -> list[sa.ColumnElement[bool]]:
    found = lists.conditions(wanted, probing=probing)
    return found if node is None else [*found, _condition(node, source, now, probing=probing)]


def _within(within: Within) -> sa.ColumnElement[bool]:
    column = within.column
    if within.value is None:
        return ~fields.of_run(column, column.value.is_not(None), probing=False)
    return fields.of_run(column, column.value == within.value, probing=False)


def _recent(read: Read, place: _Place | None) -> sa.ColumnElement[bool]:
    """The newest few thousand runs behind a place: a filter that means many runs finds a page among them at once."""
    statement = sa.select(runs.c.created_at).order_by(runs.c.created_at.desc()).limit(1).offset(_RECENT)
    if place is not None:
        statement = statement.where(runs.c.created_at <= place.created)
    oldest = read.execute(statement).scalar()
    return runs.c.created_at >= (0 if oldest is None else oldest)


def _is_rare(read: Read, node: Node, source: Source, now: Micros) -> bool:
    """Whether an index tells at once that the filter means few runs: not worth looking through the newest for."""
    needed = node.parts if isinstance(node, And) else [node]
    for part in needed:
        if isinstance(part, Comparison) and (rows := fields.rows_by_index(part, source, now)) is not None:
            some = rows.limit(_RARE).subquery()
            if read.execute(sa.select(sa.func.count()).select_from(some)).scalar_one() < _RARE:
                return True
    return False


def _condition(node: Node, source: Source, now: Micros, *, probing: bool) -> sa.ColumnElement[bool]:
    if isinstance(node, Comparison):
        return fields.condition(node, source, now, probing=probing)
    if isinstance(node, Not):
        # of a comparison with nothing, SQL knows neither truth nor its contrary
        return sa.func.coalesce(_condition(node.part, source, now, probing=probing), sa.false()).is_(
            sa.false()
        )
    parts = [_condition(part, source, now, probing=probing) for part in node.parts]
    return sa.and_(*parts) if isinstance(node, And) else sa.or_(*parts)


def _order(read: Read, text: str) -> _Order:
    descending = text.startswith("-")
    name = text[1:] if text[:1] in "+-" else text
    column = fields.column(language.parse_field(name), Source(name, language.SORT))
    if column.kind == "model":
        raise UserErrorException("Runs cannot be sorted by model: a run may have several.")
    if column.number is not None and column.here is not None:
        # what is a number for one run is sorted as a number for all
        numbers = sa.select(sa.literal(1)).where(column.here, column.number.is_not(None)).limit(1)
        if read.execute(numbers).first():
            column = replace(column, value=column.number)
    return _Order(column, descending)


def _query(
    read: Read,
    conditions: list[sa.ColumnElement[bool]],
    order: _Order,
    place: _Place | None,
    limit: int,
    *,
    valued: bool,
) -> list[tuple[Run, Any]]:
    """The runs that have a value to sort by, or those that have none, behind `place`."""
    column = order.column
    value = column.value
    statement = sa.select(*runs.c, value.label("sorted_by")) if valued else sa.select(*runs.c)
    if column.table is not None and column.here is not None:
        if valued:
            statement = statement.join_from(column.table, runs, runs.c.id == column.table.c.run_id).where(
                column.here
            )
        else:
            having = sa.select(column.table.c.run_id).where(column.here, column.value.is_not(None))
            statement = statement.where(runs.c.id.not_in(having))
    elif not valued:
        statement = statement.where(value.is_(None))
    if valued:
        statement = statement.where(value.is_not(None))
        statement = statement.order_by(value.desc() if order.descending else value)
    if place is not None:
        behind = sa.tuple_(runs.c.created_at, runs.c.id) < (place.created, place.id)
        if valued:
            further = value < place.value if order.descending else value > place.value
            behind = further | ((value == place.value) & behind)
        statement = statement.where(behind)
    statement = statement.where(*conditions).order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    rows = list(read.execute(statement))
    found = store.without_hidden(read, [store.as_run(row) for row in rows])
    values = [row._mapping["sorted_by"] if valued else None for row in rows]
    return list(zip(found, values, strict=True))


def _encode(place: _Place) -> str:
    data = json.dumps([place.value, place.created, place.id]).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str, order: _Order) -> _Place:
    try:
        value, created, run_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        fits = value is None or isinstance(value, str if order.column.is_text else (int, float))
        if not isinstance(created, int) or not isinstance(run_id, str) or not fits:
            raise TypeError
    except (ValueError, TypeError) as error:
        raise UserErrorException(
            f"after={text[:80]!r} is no place in a list. Use `next` of the page before."
        ) from error
    return _Place(value, created, run_id)
