"""Why a list of runs is empty, or what it was asked about that no run has: with the name that was meant."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.nearest import nearest
from faena.kernel.plural import counted
from faena.models.store import versions
from faena.runs import record_store
from faena.runs import search as lists
from faena.runs.list_schemas import Emptiness
from faena.runs.model import CANCEL_REQUESTED, NOT_RESPONDING, RunStatus
from faena.runs.store import runs
from faena.search import service
from faena.search.language import And, Comparison, Field, Node, Not, Or, parse, parse_field
from faena.tracking.model import SCRIPT
from faena.tracking.store.metrics import series
from faena.workspaces import store as workspaces

_MOST = 500
"""Names among which the one is looked for that was meant."""
_COUNTED = 1000
MOST_COUNTED = 100_000
"""Runs that are counted for a sentence: each is looked at."""
_ENDINGS = ("last", "min", "max", "count")


class _Names(Struct, frozen=True):
    """Something that runs have by name, or a field whose values they share."""

    what: str
    column: sa.ColumnElement[str]
    run_id: sa.ColumnElement[str]
    here: sa.ColumnElement[bool]


def _tables() -> dict[str, _Names]:
    tags, properties, parameters = record_store.tags, record_store.properties, record_store.parameters
    there = sa.true()
    return {
        "metrics": _Names(
            "metric", series.c.name, series.c.run_id, (series.c.source == SCRIPT) & series.c.latest
        ),
        "tags": _Names("tag", tags.c.key, tags.c.run_id, there),
        "properties": _Names("property", properties.c.key, properties.c.run_id, there),
        "parameters": _Names("parameter", parameters.c.name, parameters.c.run_id, there),
        "model": _Names("model", versions.c.name, versions.c.run_id, versions.c.deleted_at.is_(None)),
        "experiment": _Names("experiment", runs.c.experiment, runs.c.id, there),
        "user": _Names("user", runs.c.user, runs.c.id, there),
        "target": _Names("target", runs.c.cluster, runs.c.id, there),
        "type": _Names("type", runs.c.type, runs.c.id, there),
        "git.branch": _Names("git.branch", runs.c.branch, runs.c.id, there),
    }


_NAMES = _tables()
_STATES = (*(status.value for status in RunStatus), CANCEL_REQUESTED, NOT_RESPONDING)


def why(
    read: Read, wanted: lists.Wanted, now: Micros, *, text: str | None = None, hidden: bool = True
) -> Emptiness:
    """Of a list in which nothing was found. `hidden`: also how many runs would match that are left out."""
    total = count_all(read)
    if not total:
        return Emptiness(0, "No runs yet.")
    seen = lists.Wanted(include_children=wanted.include_children, include_archived=wanted.include_archived)
    looked_at = _counted(read, seen, MOST_COUNTED)
    if wanted == seen and not (text and text.strip()):
        return Emptiness(
            total, f"None of {_runs(total)} is shown: each is archived, or another run started it."
        )
    children = archived = 0
    if hidden:
        children = _matching(read, replace(wanted, include_children=True), now, text)
        archived = _matching(read, replace(wanted, include_archived=True), now, text)
    shown = f"more than {_runs(MOST_COUNTED)}" if looked_at > MOST_COUNTED else _runs(looked_at or total)
    return Emptiness(total, f"None of {shown} matches.", children, archived)


def unknown(
    read: Read, wanted: lists.Wanted, text: str | None = None, sort: str | None = None
) -> Iterator[str]:
    """A sentence for each name that was asked for and that no run has."""
    asked: dict[tuple[str, str], None] = {}
    if wanted.experiment is not None:
        asked["experiment", wanted.experiment] = None
    if wanted.type is not None:
        asked["type", wanted.type] = None
    asked |= {("tags", key): None for key in wanted.tags} | {
        ("properties", key): None for key in wanted.properties
    }
    if text is not None and text.strip():
        for comparison in _comparisons(parse(text)):
            asked |= dict.fromkeys(_asked(comparison))
    if sort:
        asked |= dict.fromkeys(_named(parse_field(sort.lstrip("+-"))))
    for kind, name in asked:
        if kind == "status":
            if name not in _STATES:
                yield _sentence(f"There is no state {name[:80]!r}", nearest(name, _STATES))
        elif not _has(read, _NAMES[kind], name):
            near = nearest(name, _distinct(read, kind))
            there = [each for each in near if _has(read, _NAMES[kind], each)]
            what = _NAMES[kind].what
            begin = f"There is no {what}" if kind in ("experiment", "model") else f"No run has the {what}"
            yield _sentence(f"{begin} {name[:80]!r}", there)


def _asked(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """What a comparison asks for by name; nothing where it asks for runs that lack it."""
    if comparison.operator == "is null":
        return
    yield from _named(comparison.field)
    field = str(comparison.field).lower()
    if comparison.operator in ("=", "in") and (field == "status" or (field in _NAMES and field != "metrics")):
        for value in comparison.values:
            text = str(value)
            yield field, text.partition(":")[0] if field == "model" else text


def _named(field: Field) -> Iterator[tuple[str, str]]:
    kind = {"params": "parameters"}.get(field.path[0].lower(), field.path[0].lower())
    rest = field.path[1:]
    if not rest or kind not in ("metrics", "tags", "properties", "parameters"):
        return
    if kind == "metrics" and len(rest) > 1 and rest[-1].lower() in _ENDINGS:
        rest = rest[:-1]
    name = ".".join(rest)
    yield kind, name.lstrip("-") if kind == "parameters" else name


def _comparisons(node: Node) -> Iterator[Comparison]:
    if isinstance(node, Comparison):
        yield node
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _comparisons(part)
    elif isinstance(node, Not):
        yield from _comparisons(node.part)


def _has(read: Read, names: _Names, name: str) -> bool:
    """Whether a run has it that was not deleted."""
    there = runs.c.deletion.is_(None)
    if names.run_id.table is runs:
        found = sa.select(sa.literal(1)).where(names.column == name, there)
    else:
        both = names.run_id == runs.c.id
        found = sa.select(sa.literal(1)).select_from(sa.join(names.run_id.table, runs, both))
        found = found.where(names.column == name, names.here, there)
    return read.execute(found.limit(1)).first() is not None


def _distinct(read: Read, kind: str) -> Iterator[str]:
    """A few hundred names, each found by one step in an index."""
    if kind == "experiment":
        yield from (each.name for each in workspaces.list_experiments(read))
        return
    names = _NAMES[kind]
    if names.run_id.table is runs:
        values = sa.select(names.column).where(names.column.is_not(None)).distinct().limit(_MOST)
        yield from read.execute(values).scalars()
        return
    last: str | None = None
    for _ in range(_MOST):
        statement = sa.select(sa.func.min(names.column))
        last = read.execute(statement if last is None else statement.where(names.column > last)).scalar()
        if last is None:
            return
        yield last


def count_all(read: Read) -> int:
    """Runs that were not deleted: counted in indexes, since their rows are long."""
    there, gone = (
        int(read.execute(sa.select(sa.func.count()).select_from(runs).where(*condition)).scalar_one())
        for condition in ((), (runs.c.deletion.is_not(None),))
    )
    return there - gone


def _counted(read: Read, wanted: lists.Wanted, most: int) -> int:
    """One more than `most` where there are more."""
    some = sa.select(runs.c.id).where(*lists.conditions(wanted)).limit(most + 1).subquery()
    return int(read.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def _matching(read: Read, wanted: lists.Wanted, now: Micros, text: str | None) -> int:
    return len(service.find(read, wanted, now, text=text, limit=_COUNTED).runs)


def _sentence(begin: str, near: list[str]) -> str:
    return f"{begin}; there is {' and '.join(map(repr, near))}." if near else f"{begin}."


def _runs(count: int) -> str:
    return counted(count, "run")
