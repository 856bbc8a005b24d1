"""The table of runs: which columns it has, and what stands in them."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faena.cli.layout import (
    Cell,
    Column,
    print_error,
    print_table,
    shortened,
    show_time,
    table_width,
    terminal_width,
)
from faena.cli.tables import status_cell
from faena.kernel.errors import UserErrorException
from faena.kernel.nearest import nearest
from faena.runs.default_columns import common
from faena.runs.list_schemas import RunRow
from faena.search.language import Field, parse_fields

_METRICS, _PARAMETERS = 4, 4
"""Columns at most, those that most of the shown runs have; as on the page."""
_BEGINNING = 11
"""Characters of a long id at least: of a sweep's `HD_` and 8 of its digits."""
_OF_MLFLOW = re.compile("[0-9a-f]{32}")
"""Ids of runs that MLflow's clients began, or that came from a store of theirs."""
_LONGEST = 200
"""Characters of a value on a terminal."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A column: its title, and the value of a run as JSON has it and as it is printed."""

    title: str
    value: Callable[[RunRow], Any]
    cell: Callable[[RunRow], str | Cell]
    right: bool = False


def default_table(
    found: Sequence[RunRow], sort: str | None, empty: str, sweeps: Mapping[str, str] | None = None
) -> None:
    """Runs with their state, and as many of their metrics and parameters as fit the terminal.

    `sweeps`: what is said of those of them that are sweeps, by id.
    """
    named = [_plain("Name", lambda run: run.name)] if any(run.name for run in found) else []
    seconds = _titled(_FIELDS["duration"], "Seconds")
    fixed = [
        _titled(_FIELDS["id"], "Run"),
        *named,
        _titled(_FIELDS["status"], "Status"),
        *([_plain("Sweep", lambda run: sweeps.get(run.id))] if sweeps else []),  # needs the room of `Seconds`
        _time("Started", lambda run: run.started_at or run.created_at),
        *([] if sweeps else [seconds]),
    ]
    kind, name = _sorted_by(sort)
    sorted_names = [_named(kind, name, name)] if kind == "tags" else []
    metrics = common([run.metrics or {} for run in found], _METRICS, name if kind == "metrics" else None)
    parameters = common(
        [run.parameters or {} for run in found], _PARAMETERS, name if kind == "parameters" else None
    )
    # a trial's table has its best value under the name of the same metric
    last = " (last)" if any(run.parent for run in found) else ""
    users = {run.user for run in found}
    further = [_titled(_FIELDS["user"], "User")] if len(users) > 1 else []
    further += [_named("metrics", each, f"{each}{last}") for each in metrics]
    further += [_named("parameters", each, each) for each in parameters]
    wanted = [*fixed, *sorted_names, *([seconds] if sweeps else []), *further]
    least = len(fixed) + len(sorted_names)
    shown = _fitting(found, wanted, least)
    ids = [run.id for run in found]
    long = [*(sweeps or ()), *filter(_OF_MLFLOW.fullmatch, ids)]
    if long and (len(shown) < len(wanted) or not _fits(found, shown)):
        shortened_ids = _beginnings(ids, long)
        wanted[0] = _plain("Run", lambda run: shortened_ids.get(run.id, run.id))
        shown = _fitting(found, wanted, least)
    _print(shown, found, empty)


def _beginnings(ids: Sequence[str], long: Iterable[str]) -> dict[str, str]:
    """Of long ids what names them among these: the beginning of a sweep's means it and no trial."""
    found = {}
    for run in long:
        others = [each for each in ids if not each.startswith(run)]
        length = next(
            (n for n in range(_BEGINNING, len(run)) if not any(o.startswith(run[:n]) for o in others)),
            None,
        )
        found[run] = run[:length]
    return found


def chosen_table(found: Sequence[RunRow], columns: str, empty: str) -> None:
    shown = chosen_columns(columns)
    _print(shown, found, empty)
    _tell_missing(found, parse_fields(columns))


def chosen_values(found: Iterable[RunRow], columns: str) -> list[dict[str, Any]]:
    """For JSON."""
    shown = chosen_columns(columns)
    return [{column.title: column.value(run) for column in shown} for run in found]


def chosen_columns(text: str) -> list[_Shown]:
    """`id,status,metrics.Accuracy,params.epochs`. Raises UserErrorException for a column that there is not."""
    return [_of_field(field) for field in parse_fields(text)]


def _of_field(field: Field) -> _Shown:
    kind, rest = field.path[0].lower(), field.path[1:]
    if not rest and kind in _FIELDS:
        return _titled(_FIELDS[kind], str(field))
    kind = "parameters" if kind == "params" else kind
    if rest and kind in ("metrics", "parameters", "tags"):
        if kind == "metrics" and len(rest) > 1 and rest[-1] in ("min", "max", "count"):
            raise UserErrorException(
                f"{field} cannot be a column: a list has the last value of a metric. Use {kind}.{'.'.join(rest[:-1])}; "
                f"--sort and --filter take {rest[-1]}, too."
            )
        whole = rest[:-1] if kind == "metrics" and len(rest) > 1 and rest[-1] == "last" else rest
        name = ".".join(whole)
        return _named(kind, name.lstrip("-") if kind == "parameters" else name, str(field))
    known = ", ".join([*_FIELDS, "tags.KEY", "parameters.NAME", "metrics.NAME"])
    raise UserErrorException(f"{str(field)[:80]!r} cannot be a column. There is: {known}.")


def _sorted_by(sort: str | None) -> tuple[str, str]:
    """('metrics', name), of parameters and tags likewise; else two empty texts."""
    if not sort:
        return "", ""
    path = parse_fields(sort.lstrip("+-"))[0].path
    kind = {"params": "parameters"}.get(path[0].lower(), path[0].lower())
    name = path[1:-1] if len(path) > 2 and path[-1] in ("last", "min", "max", "count") else path[1:]
    return (kind, ".".join(name)) if kind in ("metrics", "parameters", "tags") else ("", "")


def _fitting(found: Sequence[RunRow], wanted: list[_Shown], least: int) -> list[_Shown]:
    """The first `least`, and of the others as many as the terminal has room for."""
    width = terminal_width()
    texts = _texts(found, wanted)
    if width is None or table_width(texts[:least]) > width:
        return wanted
    count = len(wanted)
    while count > least and table_width(texts[:count]) > width:
        count -= 1
    return wanted[:count]


def _fits(found: Sequence[RunRow], columns: Sequence[_Shown]) -> bool:
    width = terminal_width()
    return width is None or table_width(_texts(found, columns)) <= width


def _texts(found: Sequence[RunRow], columns: Sequence[_Shown]) -> list[list[str]]:
    return [[column.title, *(_text(column.cell(run)) for run in found)] for column in columns]


def _print(columns: list[_Shown], found: Sequence[RunRow], empty: str) -> None:
    print_table(
        [Column(column.title, right=column.right) for column in columns],
        [[column.cell(run) for column in columns] for run in found],
        empty=empty,
    )


def _tell_missing(found: Sequence[RunRow], fields: Sequence[Field]) -> None:
    """A column that is empty in each row is told with the name that was meant, where that can be guessed."""
    for field in fields:
        kind = {"params": "parameters"}.get(field.path[0].lower(), field.path[0].lower())
        if not found or kind not in ("metrics", "parameters", "tags"):
            continue
        names = {name for run in found for name in getattr(run, kind) or {}}
        name = ".".join(field.path[1:]).removesuffix(".last")
        if name in names or name.lstrip("-") in names:
            continue
        near = nearest(name.lstrip("-"), sorted(names))
        hint = f" There is {', '.join(f'{kind}.{each}' for each in near)}." if near else ""
        print_error(f"No run shown has {field}.{hint}")


def _named(kind: str, name: str, title: str) -> _Shown:
    def value(run: RunRow) -> Any:
        return (getattr(run, kind) or {}).get(name)

    if kind == "metrics":
        return _Shown(
            title, value, lambda run: _number(value(run)) if name in (run.metrics or {}) else "", right=True
        )
    return _Shown(title, value, lambda run: _whole_or_short(value(run) or ""))


def _whole_or_short(text: str) -> str:
    """Of a tag or parameter, which may be as long as a file: whole for programs."""
    return text if terminal_width() is None else shortened(text, _LONGEST)


def _titled(column: _Shown, title: str) -> _Shown:
    return _Shown(title, column.value, column.cell, column.right)


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.0f}" if value == round(value, 0) and abs(value) < 1e15 else f"{value:.6g}"


def _plain(title: str, value: Callable[[RunRow], str | None]) -> _Shown:
    return _Shown(title, value, lambda run: value(run) or "")


def _time(title: str, value: Callable[[RunRow], int | None]) -> _Shown:
    def cell(run: RunRow) -> str:
        at = value(run)
        return "" if at is None else show_time(at)

    return _Shown(title, value, cell)


def _duration(run: RunRow) -> float | None:
    """Seconds from start to end, or until now."""
    if run.started_at is None:
        return None
    return max(0.0, ((run.ended_at or time.time() * 1e6) - run.started_at) / 1e6)


def _seconds(run: RunRow) -> str:
    seconds = _duration(run)
    return "" if seconds is None else f"{seconds:,.2f}"


_FIELDS = {
    column.title: column
    for column in (
        _plain("id", lambda run: run.id),
        _plain("experiment", lambda run: run.experiment),
        _Shown("number", lambda run: run.number, lambda run: str(run.number), right=True),
        _plain("name", lambda run: run.name),
        _Shown("status", lambda run: run.status, lambda run: status_cell(run.status)),
        _plain("user", lambda run: run.user),
        _plain("target", lambda run: run.cluster),
        _plain("type", lambda run: run.type),
        _plain("parent", lambda run: run.parent),
        _time("created", lambda run: run.created_at),
        _time("started", lambda run: run.started_at),
        _time("ended", lambda run: run.ended_at),
        _time("archived", lambda run: run.archived_at),
        _Shown("duration", _duration, _seconds, right=True),
    )
}
