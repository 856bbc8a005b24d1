"""Queues a run of what an estimator or a configuration describes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from faena.client.compute.cluster import Cluster
from faena.client.submission.capture import bring, bring_once
from faena.client.submission.estimator import Estimator
from faena.client.submission.script_run_config import LOCAL, ScriptRunConfig
from faena.client.wire import shown
from faena.client.workspaces.session import Session, user
from faena.data.schemas import Snapshot
from faena.kernel import ids
from faena.kernel.errors import SnapshotMissing, TrainingException, UserErrorException
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import HYPERDRIVE, Submission

if TYPE_CHECKING:
    from faena.client.sweeps.config import HyperDriveConfig


def submit(
    session: Session,
    experiment: str,
    config: Estimator | ScriptRunConfig | HyperDriveConfig,
    overrides: dict[str, Any],
    *,
    tags: Mapping[str, str],
    parent: str | None,
    name: str,
) -> RunView:
    """Capture the source folder and queue a run; see `Experiment.submit`."""
    is_sweep = getattr(config, "run_type", None) == HYPERDRIVE
    if not (is_sweep or isinstance(config, (Estimator, ScriptRunConfig))):
        raise UserErrorException(
            f"An experiment cannot submit {shown(config)}. Give it a ScriptRunConfig, such as "
            'ScriptRunConfig(".", script="train.py"), an Estimator or a HyperDriveConfig.'
        )
    if not isinstance(tags, Mapping):
        raise UserErrorException(f"tags is {shown(tags)}. Use a dict, such as {{'area': 'mnist'}}.")
    if overrides:
        config = _overridden(config, overrides)
    snapshot, offered = bring_once(session, config.source_directory)
    submission = config.submission(
        experiment=experiment,
        snapshot=snapshot.digest,
        git=_git_of(snapshot),
        tags={str(key): str(value) for key, value in tags.items()},
        user=user(),
        parent=parent,
        session=session,
    )
    submission = msgspec.structs.replace(submission, name=name)
    if submission.cluster == LOCAL:
        Cluster.get_or_create(session, LOCAL)
    run_id = ids.new_sweep_id() if is_sweep else ids.new_run_id(experiment)
    send = partial(_begin_sweep, config) if is_sweep else _submit
    try:
        return send(session, run_id, submission, offered=offered)
    except SnapshotMissing:  # it was collected since it was offered, or is damaged: it is brought again
        snapshot = bring(session, config.source_directory)
        submission = msgspec.structs.replace(submission, snapshot=snapshot.digest, git=_git_of(snapshot))
        return send(session, run_id, submission, offered=True)


def _submit(session: Session, run_id: str, submission: Submission, *, offered: bool) -> RunView:
    return session.api.submit(run_id, submission, offered=offered)


def _begin_sweep(
    config: Any, session: Session, run_id: str, submission: Submission, *, offered: bool
) -> RunView:
    from faena.sweeps.schemas import SweepRequest  # few sweep

    return session.api.sweeps.begin(run_id, SweepRequest(config.spec, submission), offered=offered)


def _git_of(snapshot: Snapshot) -> dict[str, Any] | None:
    return None if snapshot.git is None else msgspec.to_builtins(snapshot.git)


def _overridden(config: object, overrides: dict[str, Any]) -> ScriptRunConfig:
    if not isinstance(config, Estimator):
        raise TrainingException(f"{', '.join(overrides)} can be given at submission for an estimator only.")
    return config.override(**overrides)
