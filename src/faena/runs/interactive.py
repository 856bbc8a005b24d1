"""Runs that a process of the user's own starts, writes and ends: a notebook, or a script with children.

They have one attempt, whose folder the process writes into and whose node is the process itself. A follower
(`faena.node.follower`) brings to the server what is written there, and ends the runs when the process is gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec.structs import replace

from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.records import PROCESS_ORDER, UnreadableRecord
from faena.data import store as snapshots
from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros, SystemClock
from faena.kernel.errors import Conflict, SnapshotException, UserErrorException
from faena.kernel.process_identity import Living
from faena.kernel.tag_rules import check_marks
from faena.runs import attempt_store, repeats, service, store, transitions
from faena.runs.model import INTERACTIVE, AttemptState, Run, RunStatus, git_text
from faena.runs.submission_schemas import StartedRun, StartRequest, Submission
from faena.workspaces import store as workspaces

MOST_TOGETHER = 1000
_ATTEMPT = 1
_FEW, _TOGETHER = 4, 16
"""Folders from which on several are made at once, and how many."""


def start(write: Write, asked: StartRequest, now: Micros) -> list[Run]:
    """Start runs, all or none; one that was started the same way before is as it is now.

    Raises Conflict for an id that belongs to another run, and what is wrong with one of them otherwise.
    """
    process = Living(asked.process.pid, asked.process.started)
    return [_start(write, given, process.name, now) for given in asked.runs]


def start_below(
    write: Write, parent: tuple[str, int, int], given: Sequence[StartedRun], now: Micros
) -> list[Run]:
    """Start runs that the script of an attempt writes on its node, which makes their folders, as `start` does.

    Raises Conflict for an attempt that is over.
    """
    run_id, attempt, rank = parent
    run = service.get(write, run_id)
    this = attempt_store.of_rank(write, run_id, attempt, rank)
    if this is None or attempt != run.attempt or this.outcome is not None:
        raise Conflict(f"Attempt {attempt} (rank {rank}) of run {run_id!r} is over: it can start no runs.")
    own = [
        replace(each, user=run.user) for each in given
    ]  # whoever they name: they see what that person sees
    return [_start(write, each, this.node, now, this.machine) for each in own]


def _start(write: Write, given: StartedRun, node: str, now: Micros, machine: str | None = None) -> Run:
    experiment = ids.check_experiment_name(given.experiment)
    submission = Submission(
        experiment=experiment,
        snapshot=given.snapshot,
        script="",
        cluster="",
        tags=given.tags,
        user=given.user,
        git=given.git,
        parent=given.parent,
        properties=given.properties,
    )
    encoded = msgspec.json.encode(submission)
    if existing := store.get(write, given.id):
        before = msgspec.json.decode(existing.submission, type=Submission)
        repeats.refuse_other(existing, INTERACTIVE, (before, submission))
        return service.get(write, given.id)
    _check(write, given)
    workspaces.create_experiment(write, experiment, now)
    run = Run(
        id=given.id,
        experiment=experiment,
        number=workspaces.next_run_number(write, experiment),
        status=RunStatus.RUNNING,
        version=1,
        user=given.user,
        cluster="",
        node_count=1,
        snapshot=given.snapshot,
        submission=encoded,
        created_at=now,
        started_at=now,
        parent=given.parent,
        type=INTERACTIVE,
        name=given.name,
        attempt=_ATTEMPT,
        commit=git_text(given.git, "commit", 64),
        branch=git_text(given.git, "branch"),
    )
    check_marks("tag", given.tags)
    check_marks("property", given.properties)
    service.add(write, run, given.tags, given.properties)
    attempt_store.add_attempt(write, run.id, _ATTEMPT, 0, node, AttemptState.STARTED, machine)
    transitions.notify(write, run)
    return run


def _check(read: Read, given: StartedRun) -> None:
    service.check_name(given.name or "")
    if given.parent is not None:
        service.get(read, given.parent)
    if given.snapshot and snapshots.files(read, given.snapshot) is None:
        raise SnapshotException(
            f"There is no snapshot {given.snapshot[:64]!r} in this workspace. Send it before the run."
        )


def check(asked: StartRequest) -> None:
    """Refuse what needs no look at other runs. Raises UserErrorException."""
    check_runs(asked.runs)
    process = Living(asked.process.pid, asked.process.started)
    if not process.lives():
        raise UserErrorException(
            f"There is no process {process.pid} on the server's host that was started at tick {process.started}. "
            "A run is started from the host of its workspace's server, by the process that writes it."
        )


def check_runs(runs: Sequence[StartedRun]) -> None:
    """The same of the runs alone. Raises UserErrorException."""
    if not 1 <= len(runs) <= MOST_TOGETHER:
        raise UserErrorException(f"{len(runs)} runs cannot be started together. Use 1 to {MOST_TOGETHER}.")
    names = [ids.check_run_id(given.id) for given in runs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserErrorException(f"The run id {twice!r} was given twice. Give each run its own.")
    for given in runs:
        outputs = Path(given.outputs)
        if given.outputs and (
            "\0" in given.outputs or not outputs.is_absolute() or outputs.name in ("", "..")
        ):
            raise UserErrorException(
                f"outputs is {given.outputs[:300]!r}. Give the absolute path of a folder of the run's own, or nothing."
            )


def folder_of(attempts_root: Path, run_id: str) -> Path:
    return attempts_root / run_id / str(_ATTEMPT) / "0"


def make_folders(attempts_root: Path, runs: Sequence[StartedRun]) -> list[Path]:
    """The attempt folders, before the runs are known: who looks at a run finds its folder. Those made now."""
    if len(runs) < _FEW:
        made = [_make_folder(attempts_root, given) for given in runs]
    else:  # each waits for the disk, which serves many at once
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="attempts") as pool:
            made = list(pool.map(lambda given: _make_folder(attempts_root, given), runs))
    return [folder for folder in made if folder is not None]


def _make_folder(attempts_root: Path, given: StartedRun) -> Path | None:
    """None where it is there, as of a request that is repeated."""
    folder = folder_of(attempts_root, given.id)
    if _is_made(folder):
        return None
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    order = {
        "run_id": given.id,
        "attempt": _ATTEMPT,
        "rank": 0,
        "node_count": 1,
        "outputs": given.outputs,
        # A child's would be its parent's, too: they lie in the same folder.
        "events_since": 0 if given.parent else SystemClock().now(),
    }
    write_record(folder, "order", order)
    return folder


def _is_made(folder: Path) -> bool:
    try:
        AttemptFolder(folder).order(PROCESS_ORDER)
    except UnreadableRecord:
        return False
    return True


def remove_folders(read: Read, made: Sequence[Path]) -> None:
    """Remove folders of runs that were refused."""
    for folder in made:
        run = folder.parent.parent
        if store.get(read, run.name) is None:
            shutil.rmtree(run, ignore_errors=True)
