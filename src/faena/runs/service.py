"""Use cases of runs: submit, show, list, cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from faena.compute import service as compute
from faena.compute.backends.ray.refusing import refuse_what_cannot_be
from faena.compute.model import ClusterKind
from faena.compute.shares import Line
from faena.data import store as snapshots
from faena.db import Read, Write
from faena.db.calling import call_all
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import (
    ExperimentExecutionException,
    NotFound,
    SnapshotException,
    UserErrorException,
)
from faena.kernel.file_names import log_precedence
from faena.kernel.tag_rules import check_marks
from faena.objects.contract import ObjectFiles
from faena.runs import (
    attempt_views,
    checkpoints,
    distribution,
    early_signal,
    entry_scripts,
    inputs,
    package_dates,
    parameters,
    phase_store,
    record_store,
    repeats,
    retrying,
    shares,
    store,
    transitions,
    variables,
)
from faena.runs.model import EXTERNAL, SCRIPT_RUN, EndReason, Outcome, Run, RunStatus, git_text
from faena.runs.outlook import outlook_of
from faena.runs.schemas import ErrorView, NoteView, PhaseView, RunView
from faena.runs.submission_schemas import Submission
from faena.tracking import query
from faena.workspaces import store as workspaces

LAST_LINES = 50
_LONGEST_NAME = 255
_TAIL_BYTES = 64 << 10
_MOST_TRIES = 1000
_LONGEST_GRACE = 100_000
"""Seconds: somebody who stops a run wants it to end."""


def submit(
    write: Write, run_id: str, submission: Submission, now: Micros, ready: tuple[str, str] | None = None
) -> Run:
    """Accept a run; the same request again gives the same run.

    `ready`: the digest of the lock and the interpreter of its environment, where that is there: the run queues.

    Raises Conflict when the id belongs to another submission, and what is wrong with the submission otherwise.
    """
    ids.check_run_id(run_id)
    experiment = ids.check_experiment_name(submission.experiment)
    submission = msgspec.structs.replace(submission, experiment=experiment)
    encoded = msgspec.json.encode(submission)
    if existing := store.get(write, run_id):
        before = msgspec.json.decode(existing.submission, type=Submission)
        repeats.refuse_other(existing, SCRIPT_RUN, (before, submission))
        return get(write, run_id)
    check(write, submission)
    inputs.accept(write, submission.inputs, now)
    return accept(write, run_id, submission, encoded, now, ready)


def accept(
    write: Write,
    run_id: str,
    submission: Submission,
    encoded: bytes,
    now: Micros,
    ready: tuple[str, str] | None = None,
) -> Run:
    """Keep a run whose submission, as it is `encoded`, was checked."""
    lock, python = ready or (None, None)
    phases = (RunStatus.NOT_STARTED, RunStatus.PREPARING, RunStatus.QUEUED)[: 3 if ready else 1]
    run = Run(
        id=run_id,
        experiment=submission.experiment,
        number=workspaces.number_of_new_run(write, submission.experiment, now),
        status=phases[-1],
        version=1,
        user=submission.user,
        cluster=submission.cluster,
        node_count=submission.node_count,
        snapshot=submission.snapshot,
        submission=encoded,
        created_at=now,
        parent=submission.parent,
        type=SCRIPT_RUN,
        gpu=submission.gpu,
        name=submission.name or None,
        commit=git_text(submission.git, "commit", 64),
        branch=git_text(submission.git, "branch"),
        queued_at=now if ready else None,
        lock=lock,
        python=python,
    )
    add(write, run, submission.tags, submission.properties, phases)
    record_store.add_parameters(write, run_id, parameters.of_arguments(submission.arguments))
    transitions.notify(write, run)
    return run


def add(
    write: Write,
    run: Run,
    tags: Mapping[str, str],
    properties: Mapping[str, str],
    phases: Sequence[RunStatus] = (),
) -> None:
    """Keep a new run. `phases`: those that it has been through at once, and the one that it begins."""
    store.add(write, run)
    phase_store.add_phases(write, run, [phase.value for phase in phases or (run.status,)])
    if tags:
        record_store.set_tags(write, run.id, tags)
    if properties:
        record_store.add_properties(write, run.id, properties)


def check(read: Read, submission: Submission) -> None:
    check_marks("tag", submission.tags)
    check_marks("property", submission.properties)
    cluster = compute.get(read, submission.cluster)
    if not 1 <= submission.node_count <= cluster.max_nodes:
        raise ExperimentExecutionException(
            f"node_count is {submission.node_count}; cluster {cluster.name!r} has max_nodes={cluster.max_nodes}. "
            "Ask for fewer nodes or update the cluster."
        )
    shares.refuse_too_wide(read, Line(submission.user, submission.experiment), submission.node_count)
    if cluster.kind is ClusterKind.RAY:
        refuse_what_cannot_be(cluster, submission.node_count, needs_gpus=submission.gpu == "require")
    check_times(submission)
    distribution.check(submission)
    check_retries(submission)
    variables.check(submission.environment_variables, submission.inherited_variables)
    for argument in submission.arguments:
        if "\0" in argument:
            raise UserErrorException(
                f"The argument {argument[:80]!r} holds a NUL byte, which no program can get."
            )
    if submission.parent is not None:
        get(read, submission.parent)
    check_name(submission.name)
    if submission.checkpoint is not None:
        checkpoints.accept(read, submission.checkpoint)
    files = snapshots.files(read, submission.snapshot)
    if files is None:
        raise SnapshotException(
            f"There is no snapshot {submission.snapshot[:64]!r} in this workspace. Send it before the run."
        )
    names = {file.path for file in files}
    if taken := sorted({"logs", "outputs"} & names):
        raise SnapshotException(
            f"{taken[0]!r} in the source folder is a file; a run has a folder of that name for what it writes. "
            "Rename the file, or leave it out: .amlignore, or .gitignore where there is none, lists what is."
        )
    entry_scripts.check(submission.entry, submission.script, names)


def check_times(submission: Submission) -> None:
    """Raises UserErrorException for a time limit or a grace that no run can have."""
    limit = submission.max_run_duration_seconds
    if limit is not None and not 0 < limit < 10**9:
        raise UserErrorException(
            f"max_run_duration_seconds is {limit:g}. Use seconds, more than 0 and less than 1e9."
        )
    early_signal.check(submission.early_signal, limit)
    grace = submission.grace_seconds
    if grace is not None and not 0 <= grace <= _LONGEST_GRACE:
        raise UserErrorException(f"grace_seconds is {grace:g}. Use seconds, from 0 to {_LONGEST_GRACE:,}.")


def check_retries(submission: Submission) -> None:
    """Raises UserErrorException for what no run can be tried again by."""
    for name in ("max_retries", "max_node_losses"):
        count = getattr(submission, name)
        if count is not None and not 0 <= count <= _MOST_TRIES:
            raise UserErrorException(f"{name} is {count}. Use 0 to {_MOST_TRIES}.")
    codes = submission.retry_on_exit_codes
    if wrong := [code for code in codes if not 1 <= code <= 255]:
        raise UserErrorException(f"retry_on_exit_codes holds {wrong[0]}. Use 1 to 255.")
    if codes and not submission.max_retries:
        raise UserErrorException("retry_on_exit_codes needs max_retries: how often the run may go again.")


def check_name(name: str) -> None:
    """Raises UserErrorException for what cannot be a run's display name."""
    if not (len(name) <= _LONGEST_NAME and name.isprintable()):
        raise UserErrorException(
            f"{name[:80]!a} cannot be the name of a run. Use printable text, {_LONGEST_NAME} characters at most."
        )


def get(read: Read, run_id: str) -> Run:
    """Raises NotFound."""
    run = store.get(read, run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id[:300]!r} in this workspace. `faena runs` lists them.")
    if run.deletion is not None:
        raise NotFound(
            f"Run {run_id} was deleted. `faena undelete {run.deletion}` brings it back, until its bytes are collected."
        )
    return run


def cancel(write: Write, run_id: str, now: Micros) -> Run:
    """Ask a run to stop. One that no node has ends at once, so does one whose process nobody here knows; one that has
    ended stays as it is.

    A run whose script has ended by itself already (Finalizing) keeps the end that it had.
    """
    run = get(write, run_id)
    if run.status in (RunStatus.NOT_STARTED, RunStatus.PREPARING, RunStatus.QUEUED):
        transitions.end(
            write, run, Outcome(EndReason.CANCELED, "The run was canceled before it started."), now
        )
    elif run.type == EXTERNAL:
        outcome = Outcome(EndReason.CANCELED, "The run was canceled here; whoever logs it was not asked.")
        transitions.end(write, run, outcome, now)
    elif run.status in (RunStatus.STARTING, RunStatus.RUNNING) and run.cancel_requested_at is None:
        store.update(write, run.id, {"cancel_requested_at": now})
        write.notify(transitions.topic(run.id))
        call_all(transitions.on_cancel, write, run, now)
    elif (
        run.status is RunStatus.FINALIZING
        and run.cancel_requested_at is None
        and retrying.goes_again(write, run)
    ):
        store.update(write, run.id, {"cancel_requested_at": now})  # it keeps its end, and does not go again
        write.notify(transitions.topic(run.id))
    return get(write, run_id)


def fail(write: Write, run_id: str, message: str, now: Micros) -> Run:
    """Have a run that is not this process's end as Failed: its script is stopped, as by a cancel.

    One that has ended stays as it is, as does one whose script has ended by itself already.
    """
    run = get(write, run_id)
    if run.status in (RunStatus.NOT_STARTED, RunStatus.PREPARING, RunStatus.QUEUED) or run.type == EXTERNAL:
        transitions.end(write, run, Outcome(EndReason.REPORTED, message), now)
    elif run.status in (RunStatus.STARTING, RunStatus.RUNNING) and run.reason is None:
        store.update(write, run.id, {"reason": EndReason.REPORTED.value, "message": message})
        cancel(write, run_id, now)
    return get(write, run_id)


def view(read: Read, run: Run, *, with_outlook: bool = True) -> RunView:
    """`with_outlook`: with what a waiting run waits for, which takes a look at the whole queue."""
    submission = asked_for(run)
    stands = outlook_of(read, run) if with_outlook else None
    properties = record_store.list_properties(read, run.id)
    told = parameters.of_arguments(submission.arguments)
    logged = record_store.list_parameters(read, [run.id])[run.id]
    as_of, as_of_from = package_dates.told(submission.environment, properties.get(package_dates.PROPERTY, ""))
    return RunView(
        id=run.id,
        experiment=run.experiment,
        number=run.number,
        status=run.shown_status,
        version=run.version,
        user=run.user,
        cluster=run.cluster,
        node_count=run.node_count,
        attempt=run.attempt,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        blocker=None if stands is None else stands.blocker,
        error=_error(run),
        exit_code=run.exit_code,
        snapshot=run.snapshot,
        script=submission.script,
        arguments=list(submission.arguments),
        lock=run.lock,
        python=run.python,
        tags=record_store.tags_of(read, run.id),
        notes=[NoteView(code, message) for code, message in record_store.list_notes(read, run.id)],
        phases=[
            PhaseView(row.name, row.attempt, row.started_at, row.ended_at)
            for row in phase_store.list_phases(read, run.id)
        ],
        git=submission.git,
        parent=run.parent,
        type=run.type,
        properties=properties,
        inputs=submission.inputs,
        checkpoint=submission.checkpoint,
        distributed=submission.distributed,
        name=run.name,
        environment=submission.environment_name,
        as_of=as_of,
        as_of_from=as_of_from,
        description=run.description,
        archived_at=run.archived_at,
        entry=submission.entry,
        threads=run.threads or "",
        environment_variables=variables.shown(submission.environment_variables),
        inherited_variables=variables.shown(submission.inherited_variables),
        parameters={name: value for name, value in logged.items() if name not in told},
        attempts=attempt_views.of_run(read, run),
        position=None if stands is None else stands.ahead + 1,
    )


def asked_for(run: Run) -> Submission:
    """What was submitted; where that cannot be read, what else is known of it: the run's error tells of it."""
    try:
        return msgspec.json.decode(run.submission, type=Submission)
    except store.UNREADABLE:
        return Submission(experiment=run.experiment, snapshot=run.snapshot, script="", cluster=run.cluster)


def _error(run: Run) -> ErrorView | None:
    if run.status is not RunStatus.FAILED or run.reason is None:
        return None
    lines = msgspec.json.decode(run.last_lines or b"[]", type=list[str])
    return ErrorView(run.reason.value, run.message or "", run.exit_code, run.signal, lines)


def last_lines(read: Read, objects: ObjectFiles, run_id: str, rank: int | None = None) -> list[str]:
    """The end of the driver log of `rank`, else of rank 0, else of the build log: `LAST_LINES` lines at most."""
    names = [log.name for log in query.logs(read, run_id) if log.name.startswith("azureml-logs/")]
    if not names:
        return []
    told = [name for name in names if rank is not None and name.endswith(f"/70_driver_log_{rank}.txt")]
    name = told[0] if told else max(names, key=log_precedence)
    chunk = query.log_text(read, objects, run_id, name, offset=-_TAIL_BYTES, limit=_TAIL_BYTES)
    lines = chunk.data.decode("utf-8", "replace").removesuffix("\n").split("\n")
    # a progress bar is the one line that it is on a terminal: what stands after its last carriage return
    return [line.rstrip("\r").rpartition("\r")[2] for line in lines[-LAST_LINES:]]
