"""The columns of the table of runs: any field of the filter language, and what a run has in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.runs import record_store
from faena.runs.default_columns import common
from faena.runs.model import Run
from faena.runs.parameters import number
from faena.search import fields, language
from faena.server.pages import words
from faena.tracking.model import SCRIPT
from faena.tracking.store import metrics as series

MOST = 60
_METRICS, _PARAMETERS = 4, 4
"""Columns at most, those that most of the shown runs have, where nobody chose."""
_LONGEST = 60
"""Characters of a parameter or tag in a cell."""
_TITLES = {"name": "Name", "created": "Created", "duration": "Took", "target": "Target", "id": "Id"}
_TIMES = ("created", "started", "ended", "archived")
_PARTS = ("last", "min", "max", "count")
FIRST = ("experiment", "status", "created", "duration")


_OF_RUN: dict[str, Callable[[Run], object]] = {
    "id": lambda run: run.id,
    "experiment": lambda run: run.experiment,
    "name": lambda run: run.name,
    "status": lambda run: run.shown_status,
    "user": lambda run: run.user,
    "target": lambda run: run.cluster,
    "type": lambda run: run.type,
    "parent": lambda run: run.parent,
    "reason": lambda run: run.reason,
    "git.commit": lambda run: (run.commit or "")[:12],
    "git.branch": lambda run: run.branch,
    "number": lambda run: run.number,
    "created": lambda run: words.when(run.created_at),
    "started": lambda run: words.when(run.started_at),
    "ended": lambda run: words.when(run.ended_at),
    "archived": lambda run: words.when(run.archived_at),
}


class Shown(Struct, frozen=True):
    """A column: a field of a run itself (`of` is empty), or of its metrics, parameters, tags, properties."""

    field: str
    """As the filter language writes it."""
    title: str
    of: str = ""
    name: str = ""
    part: str = "last"
    kind: str = "text"
    """text, number, time."""
    extra: bool = False
    """Left out on a narrow screen."""

    @property
    def down_first(self) -> bool:
        """Whether a first click sorts from the largest down."""
        return self.of == "metrics" or self.field in (*_TIMES, "duration")


def quoted(kind: str, name: str) -> str:
    """A metric or parameter as a field of the filter language, whatever its name."""
    doubled = name.replace('"', '""')
    return f'{kind}."{doubled}"'


def parse(text: str, what: str) -> list[Shown]:
    """Raises UserErrorException that points at what is no field."""
    source = language.Source(text[: language.LONGEST], what)
    found = language.parse_fields(text)
    for each in found:
        if fields.kind_of(each, source) == "model":
            source.refuse(each.at, "a run may have several models: there is no column of them.")
    if len(found) > MOST:
        raise UserErrorException(f"There are {len(found)} columns. Choose {MOST} at most.")
    return list({each.field: each for each in map(_of_field, found)}.values())


def _of_field(given: language.Field) -> Shown:
    of = {"params": "parameters"}.get(given.path[0].lower(), given.path[0].lower())
    rest = given.path[1:]
    if not rest or of not in ("metrics", "parameters", "tags", "properties"):
        return of_run(str(given).lower())
    part = "last"
    if of == "metrics" and len(rest) > 1 and rest[-1].lower() in _PARTS:
        rest, part = rest[:-1], rest[-1].lower()
    name = ".".join(rest)
    if of == "parameters":
        name = name.lstrip("-")
    return named(of, name, part)


def of_run(name: str, *, extra: bool = False) -> Shown:
    kind = "time" if name in _TIMES else "number" if name in ("number", "duration") else "text"
    title = _TITLES.get(name, name.capitalize() if "." not in name else name)
    return Shown(name, title, kind=kind, extra=extra)


def named(of: str, name: str, part: str = "last", *, extra: bool = False) -> Shown:
    last = part == "last"
    return Shown(
        quoted(of, name) + ("" if last else f".{part}"),
        name if last else f"{name} ({part})",
        of,
        name,
        part,
        "number" if of == "metrics" else "text",
        extra,
    )


class Facts(Struct, frozen=True):
    """What the runs of a page have beside their rows, as far as their columns need it."""

    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """As `tracking.store.metrics.figures` has them."""
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def facts(read: Read, ids: list[str], chosen: Sequence[Shown], sort: str = "") -> Facts:
    """`chosen`: columns and what rows are grouped by; empty: what is needed to choose."""
    wanted = {each.of for each in chosen}
    metrics: dict[str, dict[str, Any]] = {each: {} for each in ids}
    names = list(dict.fromkeys(each.name for each in chosen if each.of == "metrics"))
    if not chosen:
        first = _sorted_by(sort.removeprefix("-"), "metrics")
        names = [*([] if first is None else [first]), *series.names_of(read, ids, SCRIPT, _METRICS)]
    for row in series.figures(read, ids, list(dict.fromkeys(names)), SCRIPT):
        metrics[row.run_id][row.name] = row
    return Facts(
        metrics,
        record_store.list_parameters(read, ids) if not chosen or "parameters" in wanted else {},
        record_store.list_tags(read, ids),
        {each: record_store.list_properties(read, each) for each in ids} if "properties" in wanted else {},
    )


def default(found: Facts, sort: str, runs: Sequence[Run] = ()) -> list[Shown]:
    """Metrics and parameters that most of the runs have; the one that the table is sorted by before all.

    Whose they are is shown where they are several people's.
    """
    shown = [of_run(name, extra=name in ("experiment", "created")) for name in FIRST]
    if len({run.user for run in runs}) > 1:
        shown.append(of_run("user", extra=True))
    by = sort.removeprefix("-")
    metrics = common(list(found.metrics.values()), _METRICS, first=_sorted_by(by, "metrics"))
    parameters = common(list(found.parameters.values()), _PARAMETERS, first=_sorted_by(by, "parameters"))
    shown += [named("metrics", name) for name in metrics]
    return shown + [named("parameters", name, extra=True) for name in parameters]


def _sorted_by(text: str, of: str) -> str | None:
    """The metric or parameter that the table is sorted by: it is shown, however few runs have it."""
    start = f'{of}."'
    if text.startswith(start) and text.endswith('"'):
        return text[len(start) : -1].replace('""', '"')
    return None


def kind_of(column: Shown, found: Facts) -> str:
    """Parameters that are numbers in all runs stand as numbers do."""
    if column.of != "parameters":
        return column.kind
    values = [each[column.name] for each in found.parameters.values() if column.name in each]
    return "number" if values and all(number(each) is not None for each in values) else "text"


def cell(run: Run, column: Shown, found: Facts, now: Micros) -> str:
    if column.of == "metrics":
        return _metric(found.metrics.get(run.id, {}), column)
    if column.of:
        return _short(_texts(found, column.of).get(run.id, {}).get(column.name, ""))
    if column.field == "duration":
        if run.started_at is None:
            return ""
        return words.seconds(max(0, (run.ended_at or now) - run.started_at) / 1e6)
    value = _OF_RUN[column.field](run) if column.field in _OF_RUN else None
    return "" if value is None else _short(str(value))


def _texts(found: Facts, of: str) -> Mapping[str, Mapping[str, str]]:
    return {"parameters": found.parameters, "tags": found.tags, "properties": found.properties}[of]


def _metric(values: Mapping[str, Any], column: Shown) -> str:
    found = values.get(column.name)
    if found is None or (found.last is None and not found.nans):  # no number
        return ""
    return words.number(getattr(found, column.part))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
