"""Runs in MLflow's words: what is asked of many at once is read at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from faena.db import Read
from faena.mlflow import inputs
from faena.mlflow.artifacts import addresses
from faena.mlflow.words import (
    NOTE,
    PARENT,
    RUN_NAME,
    USER,
    lifecycle,
    millis,
    number,
    pairs,
    state_word,
    without_empty,
)
from faena.runs import record_store
from faena.runs.model import EXTERNAL, Run
from faena.runs.service import asked_for
from faena.tracking import query
from faena.workspaces import store as workspaces
from faena.workspaces.schemas import ExperimentView

_TOGETHER = 500


def shown(read: Read, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """With all that is known of them, in their order."""
    made: list[dict[str, Any]] = []
    asked = {name: workspaces.ask_experiment(read, name) for name in {run.experiment for run in runs}}
    experiments: dict[str, ExperimentView | None] = {}
    for start in range(0, len(runs), _TOGETHER):
        part = runs[start : start + _TOGETHER]
        ids = [run.id for run in part]
        points = query.last_points(read, ids)
        given_params, given_tags = record_store.ask_parameters(read, ids), record_store.ask_tags(read, ids)
        used = inputs.shown(read, ids)
        metrics, params, tags = _metrics(points), given_params(), given_tags()
        experiments = experiments or {name: found() for name, found in asked.items()}
        for run in part:
            used_by, made_by = used.get(run.id, ({}, {}))
            data = {
                "metrics": metrics.get(run.id, []),
                "params": pairs(params[run.id]),
                "tags": pairs(tags_of(run, tags[run.id])),
            }
            made.append(_shown(run, experiments[run.experiment], data, used_by, made_by))
    return made


def just_begun(run: Run, experiment: ExperimentView, tags: Mapping[str, str]) -> dict[str, Any]:
    """As `shown`, of a run of which nothing but these tags is known yet."""
    return _shown(run, experiment, {"metrics": [], "params": [], "tags": pairs(tags_of(run, tags))}, {}, {})


def _shown(
    run: Run,
    experiment: ExperimentView | None,
    data: dict[str, Any],
    used: dict[str, Any],
    made: dict[str, Any],
) -> dict[str, Any]:
    return {"info": info(run, experiment), "data": data, "inputs": used, "outputs": made}


def info(run: Run, experiment: ExperimentView | None) -> dict[str, Any]:
    began = run.started_at or run.created_at
    archived = run.archived_at or (experiment.archived_at if experiment else None)
    number_of = experiment.id if experiment else ""
    return without_empty(
        {
            "run_id": run.id,
            "run_uuid": run.id,
            "run_name": run.name or run.id,
            "experiment_id": str(number_of),
            "user_id": run.user,
            "status": state_word(run.status),
            "start_time": millis(began),
            "end_time": None if run.ended_at is None else millis(run.ended_at),
            "lifecycle_stage": lifecycle(archived),
            "artifact_uri": addresses.of_run(experiment, run),
        }
    )


def tags_of(run: Run, given: Mapping[str, str]) -> dict[str, str]:
    """Those that were set, and what MLflow keeps as a tag and we do not."""
    made = {RUN_NAME: run.name or run.id}
    if run.description is not None:
        made[NOTE] = run.description
    if run.parent is not None:
        made[PARENT] = run.parent
    if run.type != EXTERNAL:
        made |= _of_submission(run)
    return {**made, **given}


def _of_submission(run: Run) -> dict[str, str]:
    submission = asked_for(run)
    made = {USER: run.user, "mlflow.source.type": "JOB" if run.cluster else "LOCAL"}
    if submission.script:
        made["mlflow.source.name"] = submission.script
    if run.commit:
        made["mlflow.source.git.commit"] = run.commit
    return made


def _metrics(points: Iterable[Any]) -> dict[str, list[dict[str, Any]]]:
    """By run, of those that have any."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run_id, name, value, time, step in points:
        told = {"key": name, "value": number(value), "timestamp": millis(time), "step": step or 0}
        found.setdefault(run_id, []).append(told)
    return found
