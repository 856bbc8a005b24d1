"""What the page of a sweep shows beside what that of a run does: values for its templates, from bounded queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from faena.db import Read
from faena.kernel.errors import UserErrorException
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, Run
from faena.server.pages import words
from faena.server.pages.rendering import run_address, with_query
from faena.server.pages.sweeps import order as sweep_order
from faena.server.pages.sweeps import words as sweep_words
from faena.server.pages.sweeps.order import Order
from faena.sweeps import glances, store, trial_runs, trial_store, views
from faena.sweeps.arguments import bare
from faena.sweeps.model import Sweep, SweepState
from faena.sweeps.schemas import TrialView

ROWS = 50
_PARAMETERS = 8
"""Columns at most; a trial's own page has all."""
_SHORT = 60
"""Characters of a parameter of the best trial."""
_ORDER = ("Completed", "Running", "Finalizing", "Starting", "Queued", "Preparing", "NotStarted", "Waiting")
NEWEST, OLDEST, BEST, WORST = "-number", "number", "best", "worst"


class Asked(Struct, frozen=True):
    """Which trials the table shows, as the address says."""

    sort: str = NEWEST
    start: int = 0
    log: str = ""

    def address(self, run_id: str, *, sort: str | None = None, start: int = 0, below: str = "") -> str:
        order = self.sort if sort is None else sort
        given = {"sort": None if order == NEWEST else order, "from": str(start) if start else None}
        return with_query(run_address(run_id) + below, given | {"log": self.log or None})


class Share(Struct, frozen=True):
    """Trials with one status; `x` and `width` in thousandths of all."""

    status: str
    count: int
    x: float
    width: float


class TrialRow(Struct, frozen=True):
    number: int
    address: str
    """Of its run; empty where there is none, or not any more."""
    status: str
    parameters: list[str]
    values: list[str]
    why: str
    """Why a policy stopped it, or why it failed."""
    tries: int
    source: str
    """Where its parameters are from, unless they were sampled; of a population, where it started."""
    is_best: bool


class Column(Struct, frozen=True):
    title: str
    address: str
    """Of the table sorted by it; empty where it cannot be."""
    order: str
    kind: str


class TrialTable(Struct, frozen=True):
    columns: list[Column]
    rows: list[TrialRow]
    total: int
    first: int
    """Place of the first row that is shown, from 1."""
    previous: str
    next: str
    more_parameters: int
    """Those that have no column."""


class SweepPart(Struct, frozen=True):
    is_running: bool
    is_paused: bool
    notice: str
    """Why it is stopping, until its end says so."""
    metric: str
    goal: str
    shares: list[Share]
    most: int
    best: TrialRow | None
    best_value: str
    best_parameters: list[tuple[str, str]]
    table: TrialTable
    space: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    address: str
    """Of this page's parts that change while it goes on."""


def sweep_of(read: Read, run: Run) -> Sweep | None:
    """None for a run that is no sweep, and for one whose ledger is not there or cannot be read."""
    if run.type != HYPERDRIVE:
        return None
    with suppress(*run_rows.UNREADABLE):
        return store.get(read, run.id)
    return None


def build(read: Read, sweep: Sweep, asked: Asked) -> SweepPart:
    """Raises UserErrorException for an order that there is not."""
    counts = trial_runs.counts(read, sweep.run_id)
    if asked.sort not in (NEWEST, OLDEST, BEST, WORST):
        raise UserErrorException(
            f"sort is {asked.sort[:80]!r}. Use {NEWEST!r}, {OLDEST!r}, {BEST!r} or {WORST!r}."
        )
    order = Order(read, sweep) if asked.sort in (BEST, WORST) or sweep.spec.repeats > 1 else None
    best = sweep_order.best(read, sweep, order)
    names = [name for name in sweep_words.kinds(sweep.spec.space) if name in sweep.space.parameters]
    shown = names[:_PARAMETERS]
    number = None if best is None else best.number
    best_row = None if best is None else _rows(read, [best], shown, number)[0]
    rows = _rows(read, _asked_for(read, sweep, asked, order), shown, number)
    listed = sum(counts.values()) + trial_runs.count_adopted(read, sweep.run_id)
    stopping = sweep.state is SweepState.STOPPING
    return SweepPart(
        is_running=sweep.state is SweepState.RUNNING,
        is_paused=sweep.state is SweepState.PAUSED,
        notice=f"No more trials are started: {sweep.told}" if stopping and sweep.told else "",
        metric=sweep.spec.objectives[0].name,
        goal=sweep.spec.objectives[0].goal,
        shares=shares(counts),
        most=sweep.spec.max_total_runs,
        best=best_row,
        best_value="" if best is None else words.number(best.value),
        best_parameters=[] if best is None else _named(best, names),
        table=_table(asked, sweep, shown, rows, listed, len(names) - len(shown)),
        space=sweep_words.expressions(sweep.spec.space),
        facts=sweep_words.facts(sweep.spec),
        address=asked.address(sweep.run_id, start=asked.start, below="/sweep/parts"),
    )


def shares(counts: Mapping[str, int]) -> list[Share]:
    """In the order of a trial's life backwards; a few among thousands can be seen still."""
    order = {status: place for place, status in enumerate(_ORDER)}
    sorted_counts = sorted(counts.items(), key=lambda each: (order.get(each[0], len(order)), each[0]))
    least = sum(counts.values()) * 0.004
    parts = [max(count, least) for _, count in sorted_counts]
    found, x = [], 0.0
    for (status, count), part in zip(sorted_counts, parts, strict=True):
        width = 1000 * part / sum(parts)
        found.append(Share(status, count, round(x, 2), round(width, 2)))
        x += width
    return found


def _named(trial: TrialView, names: Sequence[str]) -> list[tuple[str, str]]:
    known = {bare(name): each for name, each in trial.parameters.items()}
    return [
        (name, sweep_words.cut(sweep_words.value(known[name]), _SHORT)) for name in names if name in known
    ]


def _table(
    asked: Asked, sweep: Sweep, shown: list[str], rows: list[TrialRow], total: int, more_parameters: int
) -> TrialTable:
    more = asked.start + ROWS
    return TrialTable(
        columns=_columns(sweep, asked, shown),
        rows=rows,
        total=total,
        first=asked.start + 1,
        previous=asked.address(sweep.run_id, start=max(0, asked.start - ROWS)) if asked.start else "",
        next=asked.address(sweep.run_id, start=more) if more < total else "",
        more_parameters=more_parameters,
    )


def _asked_for(read: Read, sweep: Sweep, asked: Asked, order: Order | None) -> list[TrialView]:
    if order is not None and asked.sort in (BEST, WORST):
        numbers = order.page(asked.start, ROWS, worst_first=asked.sort == WORST)
        found = glances.numbered(read, sweep.run_id, numbers)
    else:
        number = trial_store.trials.c.number
        by = (number if asked.sort == OLDEST else number.desc(),)
        found = list(trial_store.page(read, sweep.run_id, offset=asked.start, limit=ROWS, order=by))
    return views.show(read, sweep, found)


def _columns(sweep: Sweep, asked: Asked, shown: list[str]) -> list[Column]:
    def column(title: str, kind: str, one: str, other: str, *, order: str) -> Column:
        now = {one: order, other: "descending" if order == "ascending" else "ascending"}
        by = other if asked.sort == one else one
        return Column(title, asked.address(sweep.run_id, sort=by), now.get(asked.sort, "none"), kind)

    primary, *others = sweep.spec.objectives
    best_order = "descending" if primary.goal == "maximize" else "ascending"
    return [
        column("Trial", "number", NEWEST, OLDEST, order="descending"),
        Column("Status", "", "none", "text"),
        column(f"{primary.name} ({sweep.spec.value})", "number named", BEST, WORST, order=best_order),
        *(Column(f"{each.name} ({sweep.spec.value})", "", "none", "number named") for each in others),
        *(Column(name, "", "none", "text named") for name in shown),
        Column("Why it stopped", "", "none", "text"),
    ]


def _rows(read: Read, found: list[TrialView], shown: list[str], best: int | None) -> list[TrialRow]:
    runs = run_rows.get_many(read, [trial.run_id for trial in found if trial.run_id])
    rows = []
    for trial in found:
        run = runs.get(trial.run_id or "")
        known = {bare(name): each for name, each in trial.parameters.items()}
        why = trial.stopped or (run.message or "" if run is not None and trial.status == "Failed" else "")
        if not why and not trial.allowed and trial.value is not None:
            why = "does not fulfil the conditions on metrics"
        rows.append(
            TrialRow(
                number=trial.number,
                address=run_address(run.id) if run is not None else "",
                status=trial.status,
                parameters=[sweep_words.value(known[name]) if name in known else "" for name in shown],
                values=["" if each is None else words.number(each) for each in trial.metrics or [None]],
                why=sweep_words.cut(why),
                tries=trial.tries,
                source=_source(trial),
                is_best=trial.number == best,
            )
        )
    return rows


def _source(trial: TrialView) -> str:
    if trial.checkpoint is not None:
        return f"from trial {trial.checkpoint}"
    return "" if trial.source == "sampled" else trial.source
