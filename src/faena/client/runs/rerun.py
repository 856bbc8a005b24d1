"""A run again: the same code, packages, data and arguments, but for what is asked to be another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from faena.client.compute.cluster import Cluster
from faena.client.submission.script_run_config import LOCAL
from faena.client.workspaces.session import Session, user
from faena.kernel import ids
from faena.kernel.errors import ExperimentExecutionException, UserErrorException
from faena.runs import parameters, variables
from faena.runs.schemas import Obstacle, RunView
from faena.runs.submission_schemas import (
    CHECKPOINTS,
    HYPERDRIVE,
    INTERACTIVE,
    RERUN_OF,
    Checkpoint,
    Submission,
)
from faena.script.messages import warn_once


def rerun(
    session: Session,
    run_id: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    cluster: Any = None,
    exact: bool = False,
    from_checkpoint: bool = False,
) -> RunView:
    """Submit what a run was again: its snapshot, the exact packages that it had, data sets, variables, cluster.

    `arguments`: other values of named arguments, or new ones: `{"epochs": 20, "--flag": None}`. `cluster`: another one.
    Where its environment cannot be built here it is resolved anew, and a note of the new run says so; data that changed
    since are told on stderr.
    `exact`: refuse instead, as where anything else is not what it was.
    `from_checkpoint`: the script finds in its folder of checkpoints what the run had saved there.

    A sweep is begun again, with the same description and seed.

    Raises UserErrorException for a run that has no script or no checkpoint, ExperimentExecutionException where the
    bytes of its code are gone, or naming all that is in the way of an exact one.
    """
    view = session.api.run(run_id)
    if view.type == INTERACTIVE or not view.script:
        raise UserErrorException(
            f"Run {run_id} cannot be run again: it has no script. The process that started it, such as a notebook's, "
            "wrote and ended it; start that again, or submit the notebook or script to an experiment."
        )
    name = view.cluster if cluster is None else str(getattr(cluster, "name", cluster))
    if name == LOCAL:
        Cluster.get_or_create(session, LOCAL)
    _refuse_or_tell(run_id, session.api.records.obstacles(run_id, name), exact=exact)
    new_id = ids.new_run_id(view.experiment)
    first = session.api.records.submission(run_id)
    if hidden := variables.hidden_names(first):
        raise ExperimentExecutionException(
            f"Run {run_id} had secrets that are told on its server's machine only: {', '.join(hidden[:20])}. Run it "
            "again there, or submit its script with these environment_variables."
        )
    if from_checkpoint:
        first = msgspec.structs.replace(first, checkpoint=_checkpoint(session, view))
    if view.type == HYPERDRIVE:
        return _sweep_again(session, view, _again(first, view, arguments, name, exact))
    return session.api.submit(new_id, _again(first, view, arguments, name, exact))


def resume(session: Session, run_id: str, *, cluster: Any = None) -> RunView:
    """Go on where a run ended that did not complete: a new run of the same, from the checkpoint that it had saved.

    Raises UserErrorException for a run that goes on or has completed, and as `rerun` does.
    """
    view = session.api.run(run_id)
    if view.type == HYPERDRIVE:
        raise UserErrorException(
            f"{run_id} is a sweep. `faena sweep rerun-failed {run_id}` tries its failed trials again, from their "
            "checkpoints."
        )
    if view.status == "Completed":
        raise UserErrorException(
            f"Run {run_id} has completed. To go on from its checkpoint all the same: `faena rerun {run_id} "
            "--from-checkpoint`, with --set for what is to be another."
        )
    if view.ended_at is None:
        raise UserErrorException(
            f"Run {run_id} is {view.status}: it goes on. `faena cancel {run_id}` stops it."
        )
    return rerun(session, run_id, cluster=cluster, from_checkpoint=True)


def _checkpoint(session: Session, view: RunView) -> Checkpoint:
    if view.type == HYPERDRIVE:
        raise UserErrorException(
            f"{view.id} is a sweep, whose trials have checkpoints. Name one of them, as in {view.id}_0."
        )
    found = session.api.records.checkpoint(view.id)
    if found is None:
        raise UserErrorException(
            f"Run {view.id} has saved no checkpoint: there was no file in {CHECKPOINTS} that is known to be whole "
            f"(docs/checkpoints.md). `faena rerun {view.id}` begins anew."
        )
    return found


def _sweep_again(session: Session, view: RunView, submission: Submission) -> RunView:
    """The same sweep: with the same seed, so that samplings which do not learn choose the same trials."""
    from faena.sweeps.schemas import SweepRequest  # few sweep

    spec = session.api.sweeps.get(view.id).spec
    return session.api.sweeps.begin(ids.new_sweep_id(), SweepRequest(spec, submission))


def _refuse_or_tell(run_id: str, obstacles: Sequence[Obstacle], *, exact: bool) -> None:
    """Code that is gone cannot be run; data that changed can, and whoever asks is told."""
    refused = obstacles if exact else [each for each in obstacles if each.what == "snapshot"]
    if refused:
        listed = "\n".join(f"  {each.what}: {each.message}" for each in refused)
        hint = "\nWithout exact (--exact) it is run as near to it as can be." if exact else ""
        raise ExperimentExecutionException(
            f"Run {run_id} cannot be had {'exactly ' if exact else ''}again:\n{listed}{hint}"
        )
    for each in obstacles:
        if each.what == "data":
            warn_once(f"faena: {each.message}")


def _again(
    first: Submission, view: RunView, arguments: Mapping[str, Any] | None, cluster: str, exact: bool
) -> Submission:
    origin = {RERUN_OF: view.id}
    return msgspec.structs.replace(
        first,
        arguments=tuple(parameters.changed(first.arguments, _settings(arguments or {}))),
        cluster=cluster,
        lock=view.lock or "",
        exact=exact,
        snapshot=view.snapshot,
        user=user(),
        name="",
        parent=None,
        tags=first.tags | origin,
        properties={**first.properties, **origin},
    )


def _settings(arguments: Mapping[str, Any]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, value in arguments.items():
        text = str(name)
        if not text.lstrip("-") or "=" in text or any(letter.isspace() for letter in text) or "\0" in text:
            raise UserErrorException(
                f"{text[:80]!r} cannot be the name of an argument. Use one such as 'epochs' or '--epochs'."
            )
        found[text] = None if value is None else str(value)
    return found
