"""What a filter may ask for, and what a list may be sorted by, as SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from faena.db import by_no_index, like
from faena.kernel import experiment_names
from faena.kernel.clock import Micros
from faena.models.store import versions
from faena.runs import record_store
from faena.runs.model import CANCEL_REQUESTED, NOT_RESPONDING
from faena.runs.search import having
from faena.runs.store import runs
from faena.search.language import Comparison, Field, Source, Value
from faena.tracking.model import SCRIPT
from faena.tracking.store.metrics import series

_LONGEST_PATTERN = 256
"""Characters of a pattern for `like`."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PARTS = ("last", "min", "max", "count")
_ORDERS: dict[str, Callable[[sa.ColumnElement[bool], object], sa.ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}

_canceling = runs.c.cancel_requested_at.is_not(None) & runs.c.ended_at.is_(None)
_TEXTS: dict[str, sa.ColumnElement[str]] = {
    "id": runs.c.id,
    "experiment": runs.c.experiment,
    "name": runs.c.name,
    "status": sa.case(
        (_canceling, CANCEL_REQUESTED),
        (runs.c.silent_since.is_not(None) & runs.c.ended_at.is_(None), NOT_RESPONDING),
        else_=runs.c.status,
    ),
    "user": runs.c.user,
    "target": runs.c.cluster,
    "type": runs.c.type,
    "parent": runs.c.parent,
    "reason": runs.c.reason,
    "git.commit": runs.c.commit,
    "git.branch": runs.c.branch,
}
_TIMES = {
    "created": runs.c.created_at,
    "started": runs.c.started_at,
    "ended": runs.c.ended_at,
    "archived": runs.c.archived_at,
}
_NUMBERS: dict[str, sa.ColumnElement[Any]] = {
    "number": runs.c.number,
    "duration": sa.case((runs.c.ended_at < runs.c.started_at, 0), else_=runs.c.ended_at - runs.c.started_at)
    / sa.literal(1e6),
}
_KEYED = {
    "tags": "text",
    "properties": "text",
    "parameters": "either",
    "params": "either",
    "metrics": "number",
}
"""Kinds of what has a name of the user's behind its own."""
KNOWN = (
    *_TEXTS,
    *_TIMES,
    *_NUMBERS,
    "model",
    "tags.KEY",
    "properties.KEY",
    "parameters.NAME",
    "metrics.NAME",
)


class Column(Struct, frozen=True):
    """A value of a run: an expression over `runs`, or over `table`, which has a row for each run that has it."""

    kind: str
    """text, number, time, or either: text and number."""
    value: sa.ColumnElement[Any]
    number: sa.ColumnElement[Any] | None = None
    table: sa.FromClause | None = None
    here: sa.ColumnElement[bool] | None = None
    """Which rows of `table` are meant."""
    ordered: bool = False
    """Whether an index has these rows in the order of their values."""
    head: sa.ColumnElement[str] | None = None
    """The part of a text by which an index has these rows."""

    @property
    def is_text(self) -> bool:
        """Whether `value` is: of what is either it may be the number."""
        return self.kind != "time" and self.kind != "number" and self.value is not self.number


def kind_of(field: Field, source: Source) -> str:
    """As `Column.kind`, without an expression. Raises UserErrorException that points at a field there is not."""
    name = str(field).lower()
    for kind, names in (
        ("text", {*_TEXTS}),
        ("time", {*_TIMES}),
        ("number", {*_NUMBERS}),
        ("model", {"model"}),
    ):
        if name in names:
            return kind
    if len(field.path) < 2 or (of_keyed := _KEYED.get(field.path[0].lower())) is None:
        source.refuse(field.at, f"there is no field {str(field)[:80]!r}. There is: {', '.join(KNOWN)}.")
    return of_keyed


def column(field: Field, source: Source, *, probing: bool = False) -> Column:
    """`probing` as in `faena.runs.search.having`. Raises UserErrorException that points at a field there is not."""
    kind_of(field, source)
    first, rest = field.path[0].lower(), field.path[1:]
    name = str(field).lower()
    if name in _TEXTS:
        return Column("text", _TEXTS[name])
    if name in _TIMES:
        return Column("time", _TIMES[name])
    if name in _NUMBERS:
        return Column("number", _NUMBERS[name])
    if first in ("tags", "properties") and rest:
        table = (record_store.tags if first == "tags" else record_store.properties).alias()
        here = table.c.key == ".".join(rest)
        return Column("text", table.c.value, table=table, here=here, head=record_store.head(table.c.value))
    if first in ("parameters", "params") and rest:
        table = record_store.parameters.alias()
        here = table.c.name == ".".join(rest).lstrip(
            "-"
        )  # as it is kept, however many dashes the script gets
        head = record_store.head(table.c.value)
        return Column("either", table.c.value, number=table.c.number, table=table, here=here, head=head)
    if first == "metrics" and rest:
        return _metric(rest, probing=probing)
    table = versions.alias()
    both = table.c.name + ":" + sa.cast(table.c.version, sa.Text)
    there = table.c.deleted_at.is_(None) & table.c.deletion.is_(None) & table.c.run_id.is_not(None)
    return Column("model", both, table=table, here=there)


def _metric(path: tuple[str, ...], *, probing: bool) -> Column:
    """`metrics.NAME`, its last value, or `metrics.NAME.last`, `.min`, `.max`, `.count`."""
    part = path[-1].lower() if len(path) > 1 and path[-1].lower() in _PARTS else "last"
    name = ".".join(path[:-1] if len(path) > 1 and path[-1].lower() in _PARTS else path)
    table = series.alias()
    # probing, the metric is looked for among those of one run, not that run among all that have the metric: the
    # database, which does not know how many that is, is kept from the index by name
    named = by_no_index(table.c.name) == name if probing else table.c.name == name
    here = named & (table.c.source == SCRIPT) & table.c.latest
    return Column("number", table.c[part], table=table, here=here, ordered=part == "last")


def condition(
    comparison: Comparison, source: Source, now: Micros, *, probing: bool
) -> sa.ColumnElement[bool]:
    """Which runs a comparison means; `probing` as in `faena.runs.search.having`.

    Raises UserErrorException that points at a value of a wrong kind.
    """
    found = column(comparison.field, source, probing=probing)
    if comparison.operator == "is null":
        return ~of_run(found, found.value.is_not(None), probing=probing)
    if found.kind == "model":
        return of_run(found, _named(found, comparison, source), probing=probing)
    test = _test(found, comparison, source, now) if probing else _by_index(found, comparison, source, now)
    return of_run(found, test, probing=probing)


def _by_index(found: Column, comparison: Comparison, source: Source, now: Micros) -> sa.ColumnElement[bool]:
    """The same as `_test`, so said that an index of texts finds them."""
    if (head := _head(found, comparison)) is None:
        return _test(found, comparison, source, now)
    # SQLite puts the value that a column is to have in the column's place elsewhere, where the index has the column
    whole = replace(found, value=found.value.concat(""))
    return head & _test(whole, comparison, source, now)


def _head(found: Column, comparison: Comparison) -> sa.ColumnElement[bool] | None:
    """What the index of texts is asked for, where a comparison is with whole ones."""
    if found.head is None or comparison.operator not in ("=", "in"):
        return None
    if found.kind == "either" and all(isinstance(value, (int, float)) for value in comparison.values):
        return None
    heads = [str(value)[: record_store.HEAD] for value in comparison.values]
    return found.head == heads[0] if len(heads) == 1 else found.head.in_(heads)


def rows_by_index(comparison: Comparison, source: Source, now: Micros) -> sa.Select[Any] | None:
    """A row for each run that a comparison means, where an index finds them in their order; None elsewhere."""
    found = column(comparison.field, source)
    if found.table is None or found.here is None or comparison.operator == "is null":
        return None
    if not found.ordered and _head(found, comparison) is None:
        return None
    test = _by_index(found, comparison, source, now)
    return sa.select(sa.literal(1)).select_from(found.table).where(found.here, test)


def of_run(found: Column, test: sa.ColumnElement[bool], *, probing: bool) -> sa.ColumnElement[bool]:
    if found.table is None or found.here is None:
        return test
    return having(found.table.c.run_id, found.here & test, probing=probing)


def _test(found: Column, comparison: Comparison, source: Source, now: Micros) -> sa.ColumnElement[bool]:
    read = [_value(found, value, comparison, source, now) for value in comparison.values]
    compared = found.value
    if found.kind == "either" and all(isinstance(value, (int, float)) for value in read):
        compared = found.value if found.number is None else found.number
        read = [_comparable(value) for value in read]
    elif found.kind == "either":
        read = [str(value) for value in read]
    if comparison.operator == "in":
        return compared.in_(read)
    if comparison.operator == "like":
        return like(compared, str(read[0]))
    return _ORDERS[comparison.operator](compared, read[0])


def _value(found: Column, given: Value, comparison: Comparison, source: Source, now: Micros) -> Value:
    if comparison.operator == "like" and (found.kind in ("number", "time") or not isinstance(given, str)):
        source.refuse(
            comparison.at, "like compares texts: use a pattern such as '%net%' with a field of text."
        )
    if comparison.operator == "like":
        _check_pattern(given, comparison, source)
    if found.kind == "time":
        return _time(given, comparison, source, now)
    if found.kind == "number" and isinstance(given, str):
        source.refuse(comparison.at, f"{comparison.field} is a number, and {given[:40]!r} is none.")
    if found.kind == "text":
        return experiment_names.normal(str(given)) if found.value is runs.c.experiment else str(given)
    return _comparable(given) if found.kind == "number" else given


def _comparable(given: Value) -> Value:
    """A number beyond 64 bits as a double, which is greater than all that a column holds, or less, as it is."""
    if isinstance(given, int) and abs(given) >= 2**63:
        return math.copysign(min(abs(given), 10**308), given)
    return given


def _check_pattern(given: Value, comparison: Comparison, source: Source) -> None:
    """SQLite compares each letter of a pattern with each of a text, for every row."""
    if len(str(given)) > _LONGEST_PATTERN:
        source.refuse(comparison.at, f"a pattern has {_LONGEST_PATTERN} characters at most.")


def _time(given: Value, comparison: Comparison, source: Source, now: Micros) -> Micros:
    text = str(given)
    if ago := re.fullmatch(r"(\d{1,6})\s*([smhdw])", text):
        return now - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)
    except (ValueError, OverflowError):
        source.refuse(
            comparison.at,
            f"{text[:40]!r} is no time. Use '2026-11-26', '2026-11-26T10:00' (UTC), or '7d' for seven days ago.",
        )


def _named(found: Column, comparison: Comparison, source: Source) -> sa.ColumnElement[bool]:
    """A model by `name` or `name:version`."""
    assert found.table is not None
    if comparison.operator not in ("=", "!=", "in", "like"):
        source.refuse(comparison.at, "a model is compared by =, !=, in and like.")
    texts = [str(value) for value in comparison.values]
    if comparison.operator == "like":
        _check_pattern(texts[0], comparison, source)
        return like(found.table.c.name, texts[0])
    exact = [text for text in texts if ":" in text]
    named = found.table.c.name.in_([text for text in texts if ":" not in text]) | found.value.in_(exact)
    return ~named if comparison.operator == "!=" else named
