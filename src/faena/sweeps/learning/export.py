"""Writes a sweep's trials as a study of Optuna's: for its dashboard, and for whoever goes on with Optuna itself."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import optuna
from msgspec import Struct
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.sweeps.learning.exported import Parameter, parameters
from faena.sweeps.learning.frozen import STATES, directions
from faena.sweeps.learning.messages import Task, Told
from faena.sweeps.learning.proposals import finite
from faena.sweeps.space import Point, Space

SQLITE = (".db", ".sqlite", ".sqlite3")


class Exported(Struct, frozen=True):
    path: Path
    trials: int
    left_out: int
    """Trials that lie outside the space, as after it was narrowed."""


def export_study(path: Path, task: Task, trials: Sequence[Told]) -> Exported:
    """A study named after the sweep, as Optuna's journal, or as SQLite where the name ends so (40 times slower).

    Parameters have their values, not coordinates. A study counts trials from 0 without gaps: the number that each has
    in the sweep is its user attribute `trial`, beside the parameters that one choice sets together.

    Raises UserErrorException where something is at `path`, and OSError.
    """
    if path.exists():
        raise UserErrorException(f"{path} is there already. Give another name, or remove it.")
    space = Space.parse(task.space, task.constraints)
    points = {told.number: point for told in trials if (point := _point(space, told)) is not None}
    known = parameters(space, task.space, list(points.values()))
    frozen = [
        _frozen(told, points[told.number], known, len(task.objectives))
        for told in sorted(trials, key=lambda told: told.number)
        if told.number in points
    ]
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", dir=path.parent))
    try:
        made = folder / path.name
        _write(made, task, frozen)
        os.link(made, path)  # fails where something came there meanwhile
    except FileExistsError:
        raise UserErrorException(f"{path} is there already. Give another name, or remove it.") from None
    finally:
        optuna.logging.set_verbosity(verbosity)
        shutil.rmtree(folder, ignore_errors=True)
    return Exported(path, len(frozen), len(trials) - len(frozen))


def _point(space: Space, told: Told) -> Point | None:
    try:
        return space.at(told.coordinates)
    except UserErrorException:
        return None


def _write(path: Path, task: Task, trials: Sequence[FrozenTrial]) -> None:
    storage: BaseStorage
    if path.suffix.lower() in SQLITE:
        storage = RDBStorage(f"sqlite:///{path}")
    else:
        storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name=task.sweep, directions=directions(task))
    study.set_user_attr("objectives", [objective.name for objective in task.objectives])
    study.add_trials(trials)
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def _frozen(told: Told, point: Point, known: dict[str, Parameter], objectives: int) -> FrozenTrial:
    state, results = STATES[told.state], finite(told.results)
    if results is not None and len(results) != objectives:
        results = None
    if state is TrialState.PRUNED and objectives > 1:
        state = TrialState.COMPLETE  # Optuna has no stopped trials of several objectives
    intermediate = {at: value for at, value in told.intermediate.items() if value is not None}
    if state is TrialState.PRUNED and results is None and intermediate:
        results = [intermediate[max(intermediate)]]
    if state is TrialState.COMPLETE and results is None:
        state = TrialState.FAIL
    used = [known[name] for name in point.coordinates]
    began = _moment(told.started_at)
    trial = FrozenTrial(
        number=told.number,
        trial_id=told.number,
        state=state,
        value=None,
        values=results if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        datetime_start=began,
        datetime_complete=_moment(told.ended_at or told.started_at) if state.is_finished() else None,
        params={each.name: each.value(point) for each in used},
        distributions={each.name: each.distribution for each in used},
        user_attrs={"trial": told.number, **{k: v for k, v in point.values.items() if k not in known}},
        system_attrs={},
        intermediate_values=intermediate,
    )
    for name, violation in told.violations.items():
        trial.set_constraint(name, violation)
    return trial


def _moment(at: Micros | None) -> datetime:
    """In local time, as Optuna has it."""
    return datetime.fromtimestamp((at or 0) / 1e6)
