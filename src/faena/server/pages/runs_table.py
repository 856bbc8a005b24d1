"""What the table of runs shows: values for its template, from one page of the list."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.plural import counted
from faena.runs import record_store
from faena.runs import search as lists
from faena.runs.default_columns import common
from faena.runs.model import HYPERDRIVE, Run
from faena.runs.parameters import number
from faena.runs.schemas import Emptiness
from faena.search import empty_results, service
from faena.server.pages import words
from faena.server.pages.rendering import run_address, with_query
from faena.sweeps import glances
from faena.tracking import query
from faena.workspaces import store as workspaces

PATH = "/ui/runs"
_ROWS = 50
_METRICS, _PARAMETERS = 4, 4
"""Columns at most, those that most of the shown runs have."""
_LONGEST = 60
"""Characters of a parameter in a cell."""


class Asked(Struct, frozen=True):
    """What the address asks for."""

    filter: str = ""
    sort: str = ""
    after: str = ""
    experiment: str = ""
    children: bool = False

    def address(self) -> str:
        return with_query(
            PATH,
            {
                "filter": self.filter,
                "sort": self.sort,
                "experiment": self.experiment,
                "children": "true" if self.children else None,
                "after": self.after,
            },
        )


class Column(Struct, frozen=True):
    title: str
    address: str
    """Of the table sorted by it; by another click the other way round."""
    order: str
    """How it is sorted now: ascending, descending, none."""
    kind: str
    """text, number, time; with `extra` what a narrow screen leaves out."""


class Row(Struct, frozen=True):
    address: str
    title: str
    experiment: str
    number: int
    status: str
    trials: str
    """How many a sweep has; empty for other runs."""
    is_live: bool
    created_at: Micros
    seconds: float | None
    metrics: list[str]
    parameters: list[str]


class RunsTable(Struct, frozen=True):
    asked: Asked
    experiments: list[str]
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    next: str | None = None
    """Address of the next page; None after the last."""
    first: str | None = None
    """Address of the first page; None on it."""
    error: str = ""
    """Why there is no table, with the place in the filter pointed at."""
    is_live: bool = False
    """Whether a shown run has not ended."""
    note: str = ""
    """What was asked for by name and no run has."""
    empty: Emptiness | None = None
    """Why there is no row."""


def build(read: Read, asked: Asked, now: Micros) -> RunsTable:
    names = [each.name for each in workspaces.list_experiments(read)]
    wanted = lists.Wanted(
        experiment=asked.experiment or None,
        include_children=asked.children or bool(asked.filter.strip()),
        include_archived=False,
    )
    try:
        page = service.find(
            read,
            wanted,
            now,
            text=asked.filter,
            sort=asked.sort or None,
            after=asked.after or None,
            limit=_ROWS,
        )
    except UserErrorException as error:
        return RunsTable(asked, names, error=error.message)
    note, empty = "", None
    if not page.runs or asked.sort:
        note = " ".join(empty_results.unknown(read, wanted, asked.filter, asked.sort))
    if not page.runs:
        empty = empty_results.why(read, wanted, now, text=asked.filter, hidden=not note)
    ids = [run.id for run in page.runs]
    metrics = query.last_values(read, ids)
    parameters = record_store.list_parameters(read, ids)
    trials = glances.issued(read, [run.id for run in page.runs if run.type == HYPERDRIVE])
    shown_metrics = common(list(metrics.values()), _METRICS, first=_sorted_by(asked, "metrics"))
    shown_parameters = common(list(parameters.values()), _PARAMETERS, first=_sorted_by(asked, "parameters"))
    rows = [
        _row(
            run,
            now,
            counted(trials[run.id], "trial") if run.id in trials else "",
            [_metric(metrics[run.id], name) for name in shown_metrics],
            [_short(parameters.get(run.id, {}).get(name, "")) for name in shown_parameters],
        )
        for run in page.runs
    ]
    return RunsTable(
        asked,
        names,
        _columns(asked, shown_metrics, _kinds(list(parameters.values()), shown_parameters)),
        rows,
        next=replace(asked, after=page.next).address() if page.next else None,
        first=replace(asked, after="").address() if asked.after else None,
        is_live=any(row.is_live for row in rows),
        note=note,
        empty=empty,
    )


def _kinds(values: list[dict[str, str]], names: list[str]) -> dict[str, str]:
    """Parameters that are numbers in all runs stand as numbers do."""
    return {
        name: "number" if all(number(each[name]) is not None for each in values if name in each) else "text"
        for name in names
    }


def _columns(asked: Asked, metrics: list[str], parameters: dict[str, str]) -> list[Column]:
    fixed = [
        _column(asked, "Run", "name", "text"),
        _column(asked, "Experiment", "experiment", "text extra"),
        _column(asked, "Status", "status", "text"),
        _column(asked, "Created", "created", "time extra", down_first=True),
        _column(asked, "Took", "duration", "number", down_first=True),
    ]
    fixed += [
        _column(asked, name, quoted("metrics", name), "number", down_first=True, named=True)
        for name in metrics
    ]
    return fixed + [
        _column(asked, name, quoted("parameters", name), f"{kind} extra", named=True)
        for name, kind in parameters.items()
    ]


def _column(
    asked: Asked, title: str, by: str, kind: str, *, down_first: bool = False, named: bool = False
) -> Column:
    now = asked.sort or service.NEWEST_FIRST
    order = {by: "ascending", f"-{by}": "descending"}.get(now, "none")
    down = order == "ascending" or (order == "none" and down_first)
    address = replace(asked, sort=f"-{by}" if down else by, after="").address()
    return Column(title, address, order, f"{kind} named" if named else kind)


def quoted(kind: str, name: str) -> str:
    """A metric or parameter as a field of the filter language, whatever its name."""
    doubled = name.replace('"', '""')
    return f'{kind}."{doubled}"'


def _sorted_by(asked: Asked, kind: str) -> str | None:
    """The metric or parameter that the table is sorted by: it is shown, however few runs have it."""
    field_name = asked.sort.removeprefix("-")
    start = f'{kind}."'
    if field_name.startswith(start) and field_name.endswith('"'):
        return field_name[len(start) : -1].replace('""', '"')
    return None


def _metric(values: dict[str, float | None], name: str) -> str:
    return words.number(values[name]) if name in values else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _row(run: Run, now: Micros, trials: str, metrics: list[str], parameters: list[str]) -> Row:
    ended = run.ended_at or now
    return Row(
        address=run_address(run.id),
        title=run.name or run.id,
        experiment=run.experiment,
        number=run.number,
        status=run.shown_status,
        trials=trials,
        is_live=run.ended_at is None,
        created_at=run.created_at,
        seconds=None if run.started_at is None else max(0, ended - run.started_at) / 1e6,
        metrics=metrics,
        parameters=parameters,
    )
