"""What a request names, or MLflow's words for that it is not there."""

from __future__ import annotations

from faena.db import Read
from faena.db.hiding import EVERYTHING
from faena.mlflow import checks
from faena.mlflow.errors import MISSING, MlflowError
from faena.mlflow.words import DELETED
from faena.runs import store as runs
from faena.runs.model import Run
from faena.workspaces import store as workspaces
from faena.workspaces.schemas import ExperimentView

_LONGEST_ID = 300


def experiment(read: Read, number: str | None) -> ExperimentView:
    """Raises MlflowError where there is none of that id."""
    there = workspaces.experiment_by_id(read, checks.experiment_id(number))
    if there is None:
        raise MlflowError(f"No Experiment with id={number} exists", MISSING)
    return there


def active_experiment(read: Read, number: str | None) -> ExperimentView:
    """The same of one that is not deleted."""
    there = experiment(read, number)
    if there.archived_at is not None:
        raise MlflowError(
            f"The experiment {number} must be in the 'active' state. Current state is {DELETED}."
        )
    return there


def run(read: Read, run_id: str) -> Run:
    """Raises MlflowError where there is none of that id."""
    there = runs.get(read, run_id) if len(run_id) <= _LONGEST_ID else None
    if there is None or there.deletion is not None:
        raise MlflowError(f"Run with id={run_id[:300]} not found", MISSING)
    return there


def made_in(read: Read, run_id: str | None) -> str | None:
    """The run in which something was made, as a client tells; None: it is not there for whoever tells.

    Raises NotAllowed where they may only read it. Where all is there for them, any id is kept as it is told.
    """
    if not run_id or read.view is EVERYTHING or runs.get(read, run_id[:_LONGEST_ID]) is not None:
        return run_id
    return None


def active_run(read: Read, run_id: str) -> Run:
    """The same of one that is not deleted: no other is written to."""
    there = run(read, run_id)
    if there.archived_at is not None:
        raise MlflowError(f"The run {run_id} must be in the 'active' state. Current state is {DELETED}.")
    return there
