"""A run again, as a page asks for it: the same code, packages, data and arguments; secrets never leave the server."""

from __future__ import annotations

import msgspec

from faena.db import Database, Read
from faena.kernel import ownership
from faena.kernel.errors import ExperimentExecutionException, UserErrorException
from faena.kernel.lanes import BYTES
from faena.objects.service import Objects
from faena.runs import checkpoints, rerun, service
from faena.runs.accepting import accept_submission
from faena.runs.engine.services import RunnerServices
from faena.runs.model import HYPERDRIVE, INTERACTIVE, Run
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import RERUN_OF, Submission
from faena.server.pages.permissions import person
from faena.workspaces.model import WorkspaceFolder


def can_be_had_again(run: RunView) -> bool:
    """Whether a page offers it: a sweep is begun again by `faena rerun`, which asks more."""
    return run.type not in (INTERACTIVE, HYPERDRIVE) and bool(run.script) and run.ended_at is not None


def has_checkpoint(read: Read, run: Run) -> bool:
    return checkpoints.of_ended(read, run, service.asked_for(run)) is not None


async def submit_again(
    run_id: str,
    new_id: str,
    cluster: str,
    *,
    from_checkpoint: bool,
    database: Database,
    objects: Objects,
    services: RunnerServices,
    folder: WorkspaceFolder,
) -> RunView:
    """Repeating it with the same `new_id` has no second effect.

    Raises UserErrorException for what has no script or no checkpoint, and ExperimentExecutionException where its code
    is gone.
    """
    found = await BYTES.run(rerun.obstacles, database, objects.files, folder, run_id, cluster)
    if gone := [each.message for each in found if each.what in ("snapshot", "cluster")]:
        raise ExperimentExecutionException(f"Run {run_id} cannot be had again: {' '.join(gone)}")

    def asked(read: Read) -> Submission:
        view = service.view(read, service.get(read, run_id))
        if not can_be_had_again(view):
            raise UserErrorException(
                f"Run {run_id} cannot be had again here: `faena rerun {run_id}` says why."
            )
        first = rerun.submission_of(read, run_id)
        origin = {RERUN_OF: run_id}
        given = first.checkpoint
        if from_checkpoint:
            given = checkpoints.of_ended(read, service.get(read, run_id), first)
            if given is None:
                raise UserErrorException(
                    f"Run {run_id} has saved no checkpoint that another one could go on from."
                )
        return msgspec.structs.replace(
            first,
            cluster=cluster,
            lock=view.lock or "",
            exact=False,
            snapshot=view.snapshot,
            user=person() or ownership.user(),
            name="",
            parent=None,
            tags=first.tags | origin,
            properties={**first.properties, **origin},
            checkpoint=given,
        )

    return await accept_submission(new_id, await database.read(asked), services, offered=False)
