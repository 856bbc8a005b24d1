"""What is shown of a sweep: its best trial, what each came to, their curves, parallel coordinates, a table."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from faena.kernel.plural import counted
from faena.notebook.views import run_view
from faena.notebook.views.blocks import (
    AnyBlock,
    Cell,
    Chart,
    Charts,
    Column,
    Fact,
    Line,
    Table,
    View,
)
from faena.notebook.views.parallel import parallel
from faena.notebook.views.run_view import KnownRun
from faena.notebook.views.sweep_data import SweepData, TrialCurves
from faena.notebook.views.words import cut, number, one_line, tone
from faena.sweeps.arguments import argument_text, arguments_of, bare
from faena.sweeps.schemas import SweepView, TrialView

MOST_ROWS = 50
_MOST_PARAMETERS = 6


class KnownSweep(Struct, frozen=True):
    run: KnownRun
    sweep: SweepView
    trials: tuple[TrialView, ...]
    """The best, at most `MOST_ROWS`."""
    data: SweepData
    curves: TrialCurves


def of_sweep(known: KnownSweep) -> View:
    run = known.run.run
    blocks: list[AnyBlock] = [
        _heading(known),
        *run_view.notices(run),
        run_view.timeline(run, known.run.now),
    ]
    if known.data.history.numbers:
        blocks.append(_history(known.data))
    if known.curves.curves:
        blocks.append(_curves(known.curves))
    if len(known.data.numbers) > 1 and known.data.axes:
        blocks.append(parallel(known.data))
    if known.trials:
        blocks.append(_table(known))
    if known.run.log is not None:
        blocks.append(known.run.log)
    return View(_line(known), tuple(blocks), run.ended_at is not None)


def _heading(known: KnownSweep) -> AnyBlock:
    sweep = known.sweep
    counts = ", ".join(f"{count:,} {status}" for status, count in sweep.counts.items() if count)
    facts = [
        Fact(
            "Trials", f"{sweep.trials:,} of {sweep.spec.max_total_runs:,}{f' ({counts})' if counts else ''}"
        ),
        Fact("Best", _best(sweep)),
        Fact("Sampling", sweep.spec.sampling.kind),
    ]
    if sweep.spec.policy.kind != "none":
        facts.append(Fact("Policy", sweep.spec.policy.kind))
    if sweep.told:
        facts.append(Fact("", cut(sweep.told, 300)))
    made = run_view.heading(known.run, "Cancel sweep")
    return replace(made, facts=(made.facts[0], *facts))


def _best(sweep: SweepView) -> str:
    best = sweep.best
    if best is None or best.value is None:
        return "none yet"
    arguments = " ".join(arguments_of(best.parameters))
    return (
        f"trial {best.number}, {sweep.spec.objectives[0].name} {number(best.value)} ({cut(arguments, 200)})"
    )


def _history(data: SweepData) -> Charts:
    found = data.history
    lines = (
        Line(found.numbers, found.values, "trials", "soft", dots=True),
        Line(
            [*found.best_numbers, found.last] if found.best_numbers else [],
            [*found.best_values, *found.best_values[-1:]],
            "best so far",
            "good",
        ),
    )
    best = found.best_values[-1] if found.best_values else None
    last = f"best so far {number(best)}" if best is not None else ""
    return Charts("history", "Best so far", (Chart(cut(data.metric, 120), "trial", lines, last),), wide=True)


def _curves(curves: TrialCurves) -> Charts:
    order = sorted(curves.curves, key=lambda each: (each.number == curves.best, each.is_live, each.number))
    lines = tuple(
        Line(
            each.x,
            each.y,
            f"trial {each.number}",
            "good" if each.number == curves.best else "go" if each.is_live else "soft",
        )
        for each in order
    )
    more = curves.total - len(lines)
    return Charts(
        "curves",
        "Curves",
        (Chart(cut(curves.metric, 120), "step", lines, counted(len(lines), "trial")),),
        f"{counted(more, 'more trial')} on the page." if more > 0 else "",
        wide=True,
    )


def _table(known: KnownSweep) -> Table:
    objectives = known.sweep.spec.objectives
    names = list(dict.fromkeys(name for trial in known.trials for name in trial.parameters))
    shown = names[:_MOST_PARAMETERS]
    columns = [
        Column("Trial", is_number=True),
        Column("Status"),
        *(Column(cut(each.name, 60), is_number=True) for each in objectives),
        *(Column(cut(bare(name), 60)) for name in shown),
        Column("Why it ended"),
    ]
    more = known.sweep.trials - len(known.trials)
    told = [counted(more, "more trial")] if more > 0 else []
    if len(names) > len(shown):
        told.append(counted(len(names) - len(shown), "more parameter"))
    return Table(
        "trials",
        "Trials, best first",
        tuple(columns),
        tuple(_row(trial, len(objectives), shown) for trial in known.trials),
        f"{' and '.join(told)} on the page." if told else "",
    )


def _row(trial: TrialView, objectives: int, parameters: Sequence[str]) -> tuple[Cell, ...]:
    values = [trial.value, *trial.metrics[1:objectives]]
    return (
        Cell(str(trial.number)),
        Cell(trial.status, tone(trial.status)),
        *(Cell("" if each is None else number(each)) for each in values),
        *(Cell(_value(trial.parameters.get(name))) for name in parameters),
        Cell(cut(trial.stopped, 160)),
    )


def _value(given: object) -> str:
    if given is None:
        return ""
    if isinstance(given, float):
        return number(given)
    return cut(argument_text(given) or "", 60)


def _line(known: KnownSweep) -> str:
    run, sweep = known.run.run, known.sweep
    count = f"{sweep.trials:,} of {sweep.spec.max_total_runs:,} trials"
    said = f"Sweep {run.id}: {run.status}, {count}; best: {_best(sweep)}"
    if known.run.trouble:
        said += f" ({known.run.trouble})"
    return one_line(said)
