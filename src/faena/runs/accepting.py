"""A submission becomes a run: what it needs is looked at outside any transaction, and it is accepted in one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from faena.compute.gpus import check_gpu, gpu_ids
from faena.compute.shares import Line
from faena.data import service as snapshots
from faena.db import Database, Write
from faena.environments import credentials
from faena.environments import store as locks
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.service import ReadyEnvironment, kept, refuse_impossible, spec_of, take_sent
from faena.kernel.errors import EnvironmentBuildException
from faena.runs import byte_quotas, notebooks, package_dates, record_store, service
from faena.runs.engine import prepare
from faena.runs.engine.services import RunnerServices
from faena.runs.model import RunStatus
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import Submission
from faena.workspaces import defaults
from faena.workspaces.model import WorkspaceFolder

NO_GPU = (
    "The run was submitted with use_gpu=True and this machine has no GPU: the script gets none. "
    "With gpu='require' such a run is refused."
)


class Looked(Struct, frozen=True):
    """What a submission needs, as found outside any transaction."""

    submission: Submission
    spec: EnvironmentSpec
    without_gpu: bool
    warnings: Sequence[str]
    lock: Lock | None
    refusal: str
    """Why that lock cannot be built here; empty: it can."""
    found: ReadyEnvironment | None
    elsewhere: bool
    """Whether its nodes are on other machines."""

    @property
    def wanted(self) -> prepare.Wanted:
        return prepare.Wanted(self.spec, None if self.refusal else self.lock, self.elsewhere)


def _with_date(submission: Submission, database: Database, folder: WorkspaceFolder) -> Submission:
    """With the default date of its experiment or workspace where it names none. Who has a lock has its packages."""
    asked = submission.environment
    if asked.as_of or asked.interpreter is not None or submission.lock:
        return submission
    of_experiment = database.look_up(lambda read: defaults.of_experiment(read, submission.experiment))
    as_of = of_experiment or folder.as_of or asked.as_of_else
    dated = msgspec.structs.replace(
        asked, as_of=as_of, as_of_else=as_of
    )  # that both are one says that it is a default
    return msgspec.structs.replace(submission, environment=dated)


def look(submission: Submission, database: Database, folder: WorkspaceFolder) -> Looked:
    """On one thread, one thing after the other: each change of threads costs more than most of them. Blocks."""
    byte_quotas.refuse_submission(database, Line(submission.user, submission.experiment))
    submission = notebooks.with_what_it_needs(_with_date(submission, database, folder))
    spec = spec_of(submission.environment)
    elsewhere = database.look_up(lambda read: prepare.is_elsewhere(read, submission.cluster))
    without_gpu = not elsewhere and _has_no_gpu(submission)
    warnings = refuse_impossible(spec, elsewhere=elsewhere)
    credentials.put(spec)
    submission = msgspec.structs.replace(submission, environment=kept(submission.environment))
    lock = database.look_up(lambda read: prepare.lock_of(read, submission)) if submission.lock else None
    refusal = "" if lock is None or elsewhere else prepare.why_not_here(lock)
    if refusal and submission.exact:
        raise EnvironmentBuildException(refusal)
    looked = Looked(submission, spec, without_gpu, warnings, lock, refusal, None, elsewhere)
    return msgspec.structs.replace(looked, found=prepare.find(looked.wanted))


async def accept_submission(
    run_id: str, data: Submission, services: RunnerServices, *, offered: bool
) -> RunView:
    """`offered`: False where the snapshot was offered earlier only, and may have been collected or damaged since."""

    def look_at_all() -> tuple[Looked, set[str]]:
        return look(data, services.database, services.folder), set() if offered else snapshots.see(
            data.snapshot, data.git, services.database, services.objects
        )

    await take_sent(data.environment, services.objects)
    looked, references = await asyncio.to_thread(look_at_all)
    now = services.clock.now()

    def accept(write: Write) -> RunView:
        if not offered:
            snapshots.renew(write, data.snapshot, references, now)
        found = looked.found
        ready = None if found is None else (locks.put(write, found.lock, now), found.python)
        run = service.submit(write, run_id, looked.submission, now, ready)
        if looked.without_gpu:
            record_store.add_note(write, run_id, "no_gpu", NO_GPU)
        if looked.refusal:
            prepare.note_new_lock(write, run, looked.refusal)
        if looked.warnings:
            record_store.add_note(write, run_id, "environment", " ".join(looked.warnings))
        if found is not None and run.lock is not None:
            package_dates.note(write, run.id, looked.submission.environment, found.lock)
        if run.status is RunStatus.QUEUED:
            prepare.show_notes(write, run, looked.spec, now)
            services.placement.refill(write, run.cluster)
        elif run.status is RunStatus.NOT_STARTED and found is not None:  # it is asked for again
            prepare.queue_all(write, [run], found, now)
        elif run.status is RunStatus.NOT_STARTED:
            prepare.await_build(write, run, looked.wanted, now)
        return service.view(write, service.get(write, run_id), with_outlook=False)

    return await services.database.write(accept)


def _has_no_gpu(submission: Submission) -> bool:
    """Whether a run that would have a GPU gets none. Blocks.

    Raises ExperimentExecutionException for one that must have GPUs which there are not.
    """
    if submission.gpu == "none":
        return False
    check_gpu(submission.gpu, submission.node_count)
    return not gpu_ids()
