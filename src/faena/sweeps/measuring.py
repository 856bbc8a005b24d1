"""What a trial came to: its value of each objective, out of what its run has logged."""

from __future__ import annotations

import math
from difflib import get_close_matches

from faena.db import Read, Write
from faena.kernel import data_loss
from faena.kernel.clock import Micros
from faena.runs import record_store
from faena.runs import store as run_rows
from faena.sweeps import journal, metric_constraints
from faena.sweeps.model import Sweep, Trial
from faena.sweeps.schemas import Objective, SweepSpec
from faena.tracking import codec
from faena.tracking.model import SCRIPT
from faena.tracking.store import metric_chunks, metrics
from faena.tracking.store.metrics import SeriesRow
from faena.tracking.store.packs import Opened
from faena.tracking.summary import numbers

_NAMED = 10


def measure(read: Read, spec: SweepSpec, trial: Trial) -> tuple[float | None, ...]:
    """The value of each objective; None where none is finite."""
    return tuple(_value(read, spec, objective, str(trial.run_id)) for objective in spec.objectives)


def _value(read: Read, spec: SweepSpec, objective: Objective, run_id: str) -> float | None:
    found = metrics.of_run(read, run_id, source=SCRIPT, name=objective.name)
    if not found:
        return None
    [series] = found
    summary = series.summary
    if spec.value == "last":
        last = summary.last
        return last if last is not None and math.isfinite(last) else None
    value = summary.max if objective.goal == "maximize" else summary.min
    if value is None or math.isfinite(value):
        return value
    return _finite(read, series, objective)


def _finite(read: Read, series: SeriesRow, objective: Objective) -> float | None:
    """The best of the finite values, where an infinite one hides it in the summary."""
    best: float | None = None
    better = max if objective.goal == "maximize" else min
    with Opened(None) as opened:  # what a run has logged is packed after its end
        for chunk in metric_chunks.of_series(read, series.id or 0):
            logged = numbers(codec.decode(opened.bytes(chunk.place))).tolist()
            found = [value for value in logged if math.isfinite(value)]
            if found:
                best = better([*found, *([] if best is None else [best])])
    return best


def is_allowed(write: Write, sweep: Sweep, trial: Trial) -> bool:
    """Whether the last values of its metrics fulfil the conditions on them; a note tells of a missing metric."""
    if not sweep.spec.metric_constraints:
        return True
    conditions = metric_constraints.parse_all(sweep.spec.metric_constraints)
    logged = {row.name: row.summary.last for row in metrics.of_run(write, str(trial.run_id), source=SCRIPT)}
    missing = metric_constraints.never_logged(conditions, logged) if logged else None
    if missing is not None and "metric_constraint" not in dict(record_store.list_notes(write, sweep.run_id)):
        record_store.add_note(write, sweep.run_id, "metric_constraint", missing)
    return metric_constraints.fulfils(conditions, logged)


def note_missing(write: Write, sweep: Sweep, trial: Trial, now: Micros) -> None:
    """Say with the first trial that completes without the primary metric which metrics there are.

    A trial that could not keep what it logged, as the disk was full, says nothing of its script.
    """
    lost = [
        told for code, told in record_store.list_notes(write, str(trial.run_id)) if code in data_loss.CODES
    ]
    if lost:
        journal.warned(write, sweep, f"Trial {trial.number} has no value: {' '.join(lost)}", now)
        return
    wanted = sweep.spec.objectives[0].name
    logged = metrics.of_run(write, str(trial.run_id), source=SCRIPT)
    names = [row.name for row in logged if row.summary.last is not None or row.summary.nans]
    if wanted not in names and any(row.name == wanted for row in logged):
        said = (
            f"Trial {trial.number} has completed and logged the primary metric {wanted!r} as something else than a "
            f"number, such as text: such a trial is never the best. Have the script call run.log({wanted!r}, "
            "float(value))."
        )
    elif wanted in names:
        said = f"{wanted!r} has no finite value in trial {trial.number}: such a trial is never the best."
    elif names:
        near = get_close_matches(wanted, names, _NAMED, 0.6)
        ordered = [*near, *(name for name in names if name not in near)][:_NAMED]
        meant = f" Did you mean {near[0]!r}?" if near else ""
        said = (
            f"Trial {trial.number} has completed and never logged the primary metric {wanted!r}.{meant} It logged "
            f"{', '.join(map(repr, ordered))}. Without that metric no trial can be the best: cancel the sweep, and "
            "name the metric as the script logs it."
        )
    else:
        said = (
            f"Trial {trial.number} has completed and logged no metric, so not the primary metric {wanted!r} either. "
            f"Have the script call run.log({wanted!r}, value)."
        )
    if "primary_metric" not in dict(record_store.list_notes(write, sweep.run_id)):
        record_store.add_note(write, sweep.run_id, "primary_metric", said)
        run_rows.update(write, sweep.run_id, {})
        journal.warned(write, sweep, said, now)
