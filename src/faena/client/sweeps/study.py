"""A sweep's trials as a study in Optuna's files."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faena.client.sweeps.logged import rows_of, values_of
from faena.client.workspaces.session import Session
from faena.kernel.errors import UserErrorException
from faena.runs.list_schemas import RunRow
from faena.sweeps import metric_constraints
from faena.sweeps.comparing import finite
from faena.sweeps.learning.extras import why_no_export
from faena.sweeps.learning.messages import Task, Told
from faena.sweeps.schemas import SweepSpec, TrialView
from faena.sweeps.space import Space

if TYPE_CHECKING:
    from faena.sweeps.learning.export import Exported

MOST_VALUES = 1_000
"""Of a trial, evenly, its last one among them."""
_MOST_TOGETHER = 500_000
_FEWEST = 10


def export_study(
    session: Session, sweep: str, spec: SweepSpec, trials: Sequence[TrialView], path: str | os.PathLike[str]
) -> Exported:
    """See `HyperDriveRun.export_study`."""
    if missing := why_no_export():
        raise UserErrorException(missing)
    from faena.sweeps.learning import export

    target = Path(path).expanduser()
    if target.exists():  # told before all is fetched
        raise UserErrorException(f"{target} is there already. Give another name, or remove it.")
    space = Space.parse(spec.space, spec.constraints)
    rows = rows_of(session, sweep, whole=bool(spec.metric_constraints))
    most = max(_FEWEST, min(MOST_VALUES, _MOST_TOGETHER // max(1, len(trials))))
    told = [
        found
        for trial in trials
        if (found := _told(session, spec, space, trial, rows.get(trial.run_id or ""), most)) is not None
    ]
    task = Task(
        sweep=sweep,
        space=spec.space,
        constraints=list(spec.constraints),
        sampling=spec.sampling,
        objectives=list(spec.objectives),
    )
    try:
        made = export.export_study(target, task, told)
    except OSError as error:
        raise UserErrorException(f"{target} cannot be written: {error}. Give another name.") from error
    known = sum(trial.state != "free" for trial in trials)
    return export.Exported(made.path, made.trials, known - made.trials)


def _told(
    session: Session, spec: SweepSpec, space: Space, trial: TrialView, row: RunRow | None, most: int
) -> Told | None:
    point = None if trial.state == "free" else space.locate(trial.parameters)
    if point is None:
        return None
    logged = [] if trial.run_id is None else values_of(session, trial.run_id, spec.objectives[0].name).values
    return Told(
        number=trial.number,
        coordinates=point.coordinates,
        state=_state(trial),
        results=list(trial.metrics),
        intermediate={place + 1: finite(logged[place]) for place in _evenly(len(logged), most)},
        violations=_violations(spec, trial, row),
        started_at=None if row is None else row.started_at or row.created_at,
        ended_at=None if row is None else row.ended_at,
    )


def _evenly(count: int, most: int) -> Collection[int]:
    if count <= most:
        return range(count)
    return [place * (count - 1) // (most - 1) for place in range(most)]


def _state(trial: TrialView) -> Literal["running", "completed", "stopped", "failed"]:
    if trial.state != "ended":
        return "running"
    if trial.stopped:
        return "stopped"
    return "completed" if trial.status == "Completed" or trial.value is not None else "failed"


def _violations(spec: SweepSpec, trial: TrialView, row: RunRow | None) -> dict[str, float]:
    """Optuna wants by how much; ours are fulfilled (0) or not (1)."""
    logged: Mapping[str, float | None] = (row.metrics if row is not None else None) or {}
    own = {objective.name: value for objective, value in zip(spec.objectives, trial.metrics, strict=False)}
    return {
        condition.text: float(not metric_constraints.fulfils([condition], {**logged, **own}))
        for condition in metric_constraints.parse_all(spec.metric_constraints)
    }
