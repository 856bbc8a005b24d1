"""What the table of runs shows: values for its template, from one page of the list."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.plural import counted
from faena.runs import search as lists
from faena.runs.model import HYPERDRIVE, Run
from faena.runs.schemas import Emptiness
from faena.search import empty_results, service
from faena.server.pages.rendering import run_address
from faena.server.pages.runs import columns as runs_columns
from faena.server.pages.runs.asked import Asked
from faena.server.pages.runs.columns import Facts, Shown
from faena.sweeps import glances
from faena.workspaces import store as workspaces
from faena.workspaces.schemas import SavedView
from faena.workspaces.view_store import list_views

_GROUPS = ("experiment", "status", "user", "target", "git.branch")
"""What rows can be grouped by without being among the columns."""
_MOST_TAGS = 8


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
    cells: list[str]


class Group(Struct, frozen=True):
    """Rows with the same value; one without a title where nothing is grouped."""

    title: str
    rows: list[Row]

    @property
    def count(self) -> str:
        return counted(len(self.rows), "run")


class RunsTable(Struct, frozen=True):
    asked: Asked
    experiments: list[str]
    views: list[SavedView]
    columns: list[Column] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    by: list[Shown] = field(default_factory=list)
    """What rows can be grouped by."""
    grouped: str = ""
    """The field that they are grouped by."""
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
    views = list_views(read)
    wanted = lists.Wanted(
        experiment=asked.experiment or None,
        include_children=asked.children or bool(asked.filter.strip()),
        include_archived=False,
    )
    try:
        chosen = runs_columns.parse(asked.columns, "list of columns") if asked.columns.strip() else []
        grouped = runs_columns.parse(asked.group, "group")[:1] if asked.group.strip() else []
        page = service.find(
            read,
            wanted,
            now,
            text=asked.filter,
            sort=asked.sort or None,
            after=asked.after or None,
            limit=asked.rows,
        )
    except UserErrorException as error:
        return RunsTable(asked, names, views, error=error.message)
    note, empty = "", None
    if not page.runs or asked.sort:
        note = " ".join(empty_results.unknown(read, wanted, asked.filter, asked.sort))
    if not page.runs:
        empty = empty_results.why(read, wanted, now, text=asked.filter, hidden=not note)
    ids = [run.id for run in page.runs]
    found = runs_columns.facts(read, ids, [*chosen, *grouped] if chosen else [])
    if grouped and not chosen and grouped[0].of in ("metrics", "properties"):
        found = replace(found, properties=runs_columns.facts(read, ids, grouped).properties)
    shown = chosen or runs_columns.default(found, asked.sort)
    return RunsTable(
        asked,
        names,
        views,
        columns=_columns(asked, shown, found),
        groups=_groups(read, page.runs, shown, grouped, found, now),
        by=_grouping(shown, grouped),
        grouped=grouped[0].field if grouped else "",
        next=replace(asked, after=page.next).address() if page.next else None,
        first=replace(asked, after="").address() if asked.after else None,
        is_live=any(run.ended_at is None for run in page.runs),
        note=note,
        empty=empty,
    )


def _grouping(shown: Sequence[Shown], grouped: Sequence[Shown]) -> list[Shown]:
    """Fields of runs, and of what is shown all but metrics and times."""
    fields = {name: runs_columns.of_run(name) for name in _GROUPS}
    fields |= {each.field: each for each in shown if each.of in ("parameters", "tags", "properties")}
    return list((fields | {each.field: each for each in grouped}).values())


def _groups(
    read: Read,
    runs: Sequence[Run],
    shown: Sequence[Shown],
    grouped: Sequence[Shown],
    found: Facts,
    now: Micros,
) -> list[Group]:
    """In the order of their first rows, so that the order of the table stays."""
    trials = glances.issued(read, [run.id for run in runs if run.type == HYPERDRIVE])
    groups: dict[str, list[Row]] = {}
    for run in runs:
        title = ""
        if grouped:
            title = f"{grouped[0].title}: {runs_columns.cell(run, grouped[0], found, now) or 'none'}"
        row = _row(run, counted(trials[run.id], "trial") if run.id in trials else "", shown, found, now)
        groups.setdefault(title, []).append(row)
    return [Group(title, rows) for title, rows in groups.items()]


def _row(run: Run, trials: str, shown: Sequence[Shown], found: Facts, now: Micros) -> Row:
    tags = list(found.tags.get(run.id, {}).items())
    return Row(
        id=run.id,
        address=run_address(run.id),
        title=run.name or run.id,
        experiment=run.experiment,
        trials=trials,
        tags=tags[:_MOST_TAGS],
        more_tags=max(0, len(tags) - _MOST_TAGS),
        cells=[runs_columns.cell(run, column, found, now) for column in shown],
    )


def _columns(asked: Asked, shown: Sequence[Shown], found: Facts) -> list[Column]:
    first = _column(asked, Shown("name", "Run"), "text")
    return [first, *(_column(asked, each, runs_columns.kind_of(each, found)) for each in shown)]


def _column(asked: Asked, column: Shown, kind: str) -> Column:
    now = asked.sort or service.NEWEST_FIRST
    by = column.field
    order = {by: "ascending", f"-{by}": "descending"}.get(now, "none")
    down = order == "ascending" or (order == "none" and column.down_first)
    address = replace(asked, sort=f"-{by}" if down else by, after="").address()
    classes = [kind, *(["extra"] if column.extra else []), *(["named"] if column.of else [])]
    return Column(column.title, by, address, order, " ".join(classes))
