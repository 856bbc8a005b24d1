"""What the table of runs shows: values for its template, from one page of the list."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.plural import counted
from faena.runs import search as lists
from faena.runs.list_schemas import Emptiness
from faena.runs.model import HYPERDRIVE, Run
from faena.search import empty_results, service
from faena.server.pages.addresses import traces_address
from faena.server.pages.rendering import run_address
from faena.server.pages.runs import columns as runs_columns
from faena.server.pages.runs import groups as runs_groups
from faena.server.pages.runs.asked import Asked
from faena.server.pages.runs.columns import Facts, Shown
from faena.server.pages.runs.groups import Grouped
from faena.sweeps import glances
from faena.traces import finding
from faena.traces.finding import Wanted
from faena.workspaces import store as workspaces
from faena.workspaces.schemas import ExperimentView, SavedView
from faena.workspaces.view_store import list_views

_GROUPS = ("experiment", "status", "user", "target", "git.branch")
"""What rows can be grouped by without being among the columns."""
_MOST_TAGS = 8
_OF_MLFLOW = "mlflow."
"""Tags that MLflow's clients set by themselves: a run's own page has them."""
_AT_FIRST = 32
"""Rows that a page shows before its first moment is over: more than a screen has."""


class Column(Struct, frozen=True):
    title: str
    field: str
    address: str
    """Of the table sorted by it; by another click the other way round."""
    order: str
    """How it is sorted now: ascending, descending, none."""
    kind: str
    """text, number, time; with `extra` what a narrow screen leaves out."""


class Row(Struct, frozen=True):
    id: str
    address: str
    title: str
    experiment: str
    trials: str
    """How many a sweep has; empty for other runs."""
    tags: list[tuple[str, str]]
    more_tags: int
    is_later: bool
    """Whether a page that has just come leaves it out at first, being far down."""
    cells: list[tuple[str, str]]
    """Of each column after the first what it is (`state`, or classes) and what this run has."""


class Group(Struct, frozen=True):
    """Rows with the same value; `group` is None where nothing is grouped."""

    group: runs_groups.Group | None
    rows: list[Row]


def _width(text: str) -> float:
    """About: in digits, beside which marks are narrow."""
    return len(text) - sum(map(text.count, "-.,:")) / 2


class RunsTable(Struct, frozen=True):
    asked: Asked
    experiments: list[ExperimentView]
    views: list[SavedView]
    columns: list[Column] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    by: list[Shown] = field(default_factory=list)
    """What rows can be grouped by."""
    grouped: str = ""
    """The field that they are grouped by."""
    grouped_all: Grouped | None = None
    """What is grouped, where something is."""
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
    traces: str = ""
    """Where the traces are, of the experiment where one is chosen; empty where there are none."""

    @property
    def is_long(self) -> bool:
        return any(row.is_later for group in self.groups for row in group.rows)

    @property
    def widest(self) -> list[tuple[str, str]]:
        """Of a long table, for each column the longest of its values: what comes later makes none wider."""
        rows = [row for group in self.groups for row in group.rows] if self.is_long else []
        columns = zip(*(row.cells for row in rows), strict=True)
        found = [max(column, key=lambda cell: _width(cell[1])) for column in columns]
        title = max((row.title for row in rows), key=_width, default="")
        return (
            [("title", title), *(("text" if kind == "state" else kind, text) for kind, text in found)]
            if rows
            else []
        )


def build(read: Read, asked: Asked, now: Micros) -> RunsTable:
    experiments = list(workspaces.list_experiments(read))
    views = list_views(read)
    wanted = lists.Wanted(
        experiment=asked.experiment or None,
        include_children=asked.children or bool(asked.filter.strip()),
        include_archived=False,
    )
    try:
        chosen = runs_columns.parse(asked.columns, "list of columns") if asked.columns.strip() else []
        by = runs_columns.parse(asked.group, "group")[:1] if asked.group.strip() else []
        # of a grouped table these choose the columns, where nobody did
        first = replace(asked, after="") if by else asked
        page = service.find(
            read,
            wanted,
            now,
            text=asked.filter,
            sort=asked.sort or None,
            after=first.after or None,
            limit=asked.rows,
        )
        ids = [run.id for run in page.runs]
        found = runs_columns.facts(read, ids, chosen, asked.sort)
        shown = chosen or runs_columns.default(found, asked.sort, page.runs)
        grouped = None
        if by and page.runs:
            metric = runs_groups.compared_by(asked.sort, shown)
            grouped = runs_groups.build(read, wanted, asked, now, by[0], metric)
    except UserErrorException as error:
        return RunsTable(asked, experiments, views, error=error.message)
    note, empty = "", None
    if not page.runs or asked.sort:
        note = " ".join(empty_results.unknown(read, wanted, asked.filter, asked.sort))
    if not page.runs:
        empty = empty_results.why(read, wanted, now, text=asked.filter, hidden=not note)
    parts: list[tuple[runs_groups.Group | None, list[Run]]] = [(None, page.runs)] if page.runs else []
    if grouped is not None:
        parts = [(each, each.runs) for each in grouped.groups]
        found = runs_columns.facts(read, [run.id for _, own in parts for run in own], shown)
    return RunsTable(
        asked,
        experiments,
        views,
        columns=_columns(asked, shown, found),
        groups=_groups(read, parts, shown, found, now),
        by=_grouping(shown, by),
        grouped=by[0].field if by else "",
        grouped_all=grouped,
        next=replace(asked, after=page.next).address() if page.next and grouped is None else None,
        first=replace(asked, after="").address() if asked.after and grouped is None else None,
        is_live=any(run.ended_at is None for _, own in parts for run in own),
        note=note,
        empty=empty,
        traces=_traces(read, asked.experiment),
    )


def _traces(read: Read, experiment: str) -> str:
    wanted = Wanted(experiment=experiment or None)
    try:
        found = finding.is_any(read, wanted)
    except NotFound:
        return ""
    return traces_address(**({"experiment": experiment} if experiment else {})) if found else ""


def _grouping(shown: Sequence[Shown], grouped: Sequence[Shown]) -> list[Shown]:
    """Fields of runs, and of what is shown all but metrics and times."""
    fields = {name: runs_columns.of_run(name) for name in _GROUPS}
    fields |= {each.field: each for each in shown if each.of in ("parameters", "tags", "properties")}
    return list((fields | {each.field: each for each in grouped}).values())


def _groups(
    read: Read,
    parts: Sequence[tuple[runs_groups.Group | None, list[Run]]],
    shown: Sequence[Shown],
    found: Facts,
    now: Micros,
) -> list[Group]:
    trials = glances.issued(read, [run.id for _, own in parts for run in own if run.type == HYPERDRIVE])
    kinds = [(each, _kind(each, runs_columns.kind_of(each, found))) for each in shown]
    place, groups = 0, []
    for group, own in parts:
        rows = []
        for run in own:
            count = counted(trials[run.id], "trial") if run.id in trials else ""
            rows.append(_row(run, place >= _AT_FIRST, count, kinds, found, now))
            place += 1
        groups.append(Group(group, rows))
    return groups


def _row(
    run: Run, is_later: bool, trials: str, shown: Sequence[tuple[Shown, str]], found: Facts, now: Micros
) -> Row:
    tags = [each for each in found.tags.get(run.id, {}).items() if not each[0].startswith(_OF_MLFLOW)]
    return Row(
        id=run.id,
        address=run_address(run.id),
        title=run.name or run.id,
        experiment=run.experiment,
        trials=trials,
        tags=tags[:_MOST_TAGS],
        more_tags=max(0, len(tags) - _MOST_TAGS),
        is_later=is_later,
        cells=[(kind, runs_columns.cell(run, column, found, now)) for column, kind in shown],
    )


def _columns(asked: Asked, shown: Sequence[Shown], found: Facts) -> list[Column]:
    first = _column(asked, Shown("name", "Run"), "text")
    return [first, *(_column(asked, each, runs_columns.kind_of(each, found)) for each in shown)]


def _column(asked: Asked, column: Shown, kind: str) -> Column:
    now = asked.sort or service.NEWEST_FIRST
    by = column.field
    order = {by: "ascending", f"-{by}": "descending"}.get(now, "none")
    down = order == "ascending" or (order == "none" and column.down_first)
    address = replace(asked, sort=f"-{by}" if down else by, after="", groups=0).address()
    classes = _classes(column, kind) + (" named" if column.of else "")
    return Column(column.title, by, address, order, classes)


def _kind(column: Shown, kind: str) -> str:
    return "state" if column.field == "status" else _classes(column, kind)


def _classes(column: Shown, kind: str) -> str:
    return f"{kind} extra" if column.extra else kind
