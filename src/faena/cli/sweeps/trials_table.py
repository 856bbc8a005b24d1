"""Trials as people read them: a row each, with as many parameters as fit; and a sweep in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from faena.cli.layout import Cell, Column, Row, harmless, table_width
from faena.cli.tables import status_cell
from faena.sweeps.arguments import argument_text, bare
from faena.sweeps.schemas import SweepSpec, SweepView, TrialView

_LONGEST = 30
"""Characters of a parameter in a table."""
_MOST_PARAMETERS = 50
ENDED = ("Completed", "Failed", "Canceled")


def columns_and_rows(
    spec: SweepSpec, trials: Sequence[TrialView], best: int | None, width: int | None
) -> tuple[list[Column], list[Row]]:
    """Of `width` columns of a terminal, None: as many as there are. `best`: the trial that is marked."""
    titles = [Column("Trial", right=True), Column("Status")]
    titles += [Column(f"{harmless(each.name)} ({spec.value})", right=True) for each in spec.objectives]
    rows: list[list[str | Cell]] = [_fixed(trial, trial.number == best, spec) for trial in trials]
    if any(trial.mean is not None for trial in trials):
        titles.append(Column("Mean", right=True))
        for row, trial in zip(rows, trials, strict=True):
            row.append(number(trial.mean))
    if spec.sampling.population is not None:
        titles += [Column("Member", right=True), Column("From", right=True)]
        for row, trial in zip(rows, trials, strict=True):
            row += [shown_number(trial.member), shown_number(trial.checkpoint)]
    fixed = len(titles)
    for name in _names(trials):
        titles.append(Column(bare(name), right=all(_is_number(t.parameters.get(name)) for t in trials)))
        for row, trial in zip(rows, trials, strict=True):
            row.append(_cell(trial, name, is_best=trial.number == best))
    if width is None:
        titles.append(Column("Run"))
        for row, trial in zip(rows, trials, strict=True):
            row.append(trial.run_id or "")
    elif rows:
        count = _fitting(titles, rows, fixed, width)
        titles, rows = titles[:count], [row[:count] for row in rows]
    return titles, list(rows)


def _fixed(trial: TrialView, is_best: bool, spec: SweepSpec) -> list[str | Cell]:
    colour = "green" if is_best else ""
    values = trial.metrics or [None] * len(spec.objectives)
    return [
        Cell(f"{'*' if is_best else ''}{'' if trial.allowed else '!'}{trial.number}", colour),
        status_cell(trial.status),
        *(Cell(number(value), colour) for value in values),
    ]


def shown_number(given: int | None) -> str:
    """Of a trial or member; empty where there is none."""
    return "" if given is None else str(given)


def _names(trials: Sequence[TrialView]) -> list[str]:
    """Parameters, in the order in which the first trials have them."""
    names = dict.fromkeys(name for trial in trials for name in trial.parameters)
    return list(names)[:_MOST_PARAMETERS]


def _cell(trial: TrialView, name: str, *, is_best: bool) -> Cell:
    text = value_text(trial.parameters[name]) if name in trial.parameters else ""
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return Cell(short, "green" if is_best else "")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _fitting(titles: list[Column], rows: Sequence[Row], least: int, width: int) -> int:
    texts = [
        [title.title, *(cell.text if isinstance(cell, Cell) else cell for cell in column)]
        for title, column in zip(titles, zip(*rows, strict=True), strict=True)
    ]
    count = len(titles)
    while count > least and table_width(texts[:count]) > width:
        count -= 1
    return count


def legend(spec: SweepSpec, trials: Sequence[TrialView]) -> str:
    """What a mark in the table means, where there is one."""
    if all(trial.allowed for trial in trials):
        return ""
    return harmless(f"! does not fulfil {' and '.join(spec.metric_constraints)}")


def number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"


def value_text(value: Any) -> str:
    """A parameter's value: a flag that is given is `yes`."""
    if isinstance(value, float):
        return number(value)
    text = argument_text(value)
    return "yes" if text == "" else text or ""


def parameters_text(parameters: dict[str, Any]) -> str:
    """As on a command line, but numbers short: `--lr 0.0123 --batchsize 128`."""
    parts = []
    for name, value in parameters.items():
        text = argument_text(value)
        if text is not None:
            shown = number(value) if isinstance(value, float) else text
            parts.append(f"{name if name.startswith('-') else '--' + name} {shown}".rstrip())
    return harmless(" ".join(parts))


def ended_count(view: SweepView) -> int:
    return sum(view.counts.get(status, 0) for status in ENDED)


def total_count(view: SweepView) -> int:
    """Trials that there will be, as far as that is known."""
    if view.exhausted or view.state in ("ended", "stopping"):
        return sum(view.counts.values())
    return max(view.spec.max_total_runs, view.trials)


def counts_text(view: SweepView) -> str:
    """`5 of 8 trials: 3 Completed, 1 Canceled, 1 Running; 4 more taken in`."""
    details = ", ".join(f"{count:,} {status}" for status, count in _ordered(view.counts) if count)
    total = total_count(view)
    shown = f"{ended_count(view):,} of {total:,} trial{'' if total == 1 else 's'}"
    if view.adopted:
        details += f"; {view.adopted:,} more taken in"
    return f"{shown}: {details}" if details else shown


def _ordered(counts: dict[str, int]) -> Iterable[tuple[str, int]]:
    known = [status for status in ENDED if status in counts]
    return [(status, counts[status]) for status in [*known, *sorted(counts.keys() - set(ENDED))]]


def state_text(view: SweepView) -> str:
    return "Paused" if view.state == "paused" and view.status == "Running" else view.status
