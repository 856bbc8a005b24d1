"""Checkpoints: what a run left below a folder of its own, and another one, or its next attempt, finds there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from faena.data.staging import check_path
from faena.db import Read
from faena.kernel.errors import FaenaError, UserErrorException
from faena.runs import attempt_store, checkpoint_store
from faena.runs.model import Run, RunStatus
from faena.runs.submission_schemas import CHECKPOINTS, Checkpoint, Submission
from faena.tracking.store import files as run_files

_WITHIN = "outputs/"


class CheckpointFile(Struct, frozen=True):
    path: str
    """In the folder."""
    size: int
    digest: str
    modified: int | None = None
    """When the script wrote it, in ns, where that is known."""


def folder_of(submission: Submission) -> str:
    """Where the script's checkpoints are."""
    return CHECKPOINTS if submission.checkpoint is None else submission.checkpoint.folder


def left(read: Read, run_id: str, folder: str) -> list[CheckpointFile]:
    """In the history of a run, by name."""
    below = len(folder) + 1
    return [
        CheckpointFile(file.name[below:], file.size, file.digest)
        for file in run_files.of_run(read, run_id, f"{folder}/")
    ]


def files(read: Read, checkpoint: Checkpoint, rank: int = 0) -> list[CheckpointFile]:
    """What a rank finds: of files that several ranks had under one name its own, else the lowest one's."""
    if not checkpoint.run:
        return []
    if not checkpoint.attempt:
        return left(read, checkpoint.run, checkpoint.folder)
    taken = checkpoint_store.of_attempt(read, checkpoint.run, checkpoint.attempt)
    found: dict[str, CheckpointFile] = {}
    for file in sorted(taken, key=lambda each: (each.rank != rank, each.rank, each.name)):
        found.setdefault(file.name, CheckpointFile(file.name, file.size, file.digest, file.modified))
    return [found[name] for name in sorted(found)]


def of_run(read: Read, run_id: str, folder: str) -> Checkpoint:
    """What a run has left there, as it is now."""
    found = Checkpoint(folder, run_id)
    return msgspec.structs.replace(found, digest=_digest(found, files(read, found)))


def taken(read: Read, run_id: str, folder: str, before: int = 1 << 30) -> Checkpoint | None:
    """The newest one that was taken of a run's attempts before that one."""
    attempt = checkpoint_store.latest(read, run_id, before)
    if attempt is None:
        return None
    found = Checkpoint(folder, run_id, attempt=attempt)
    return msgspec.structs.replace(found, digest=_digest(found, files(read, found)))


def of_ended(read: Read, run: Run, submission: Submission) -> Checkpoint | None:
    """What another run goes on from that takes up where this one ended: its newest one, else what it began from."""
    folder = folder_of(submission)
    if (found := taken(read, run.id, folder)) is not None:
        return found
    if run.status is RunStatus.COMPLETED and left(read, run.id, folder):
        return of_run(read, run.id, folder)
    given = submission.checkpoint
    return given if given is not None and given.run and not missing(read, given) else None


def to_go_on_from(read: Read, run: Run, submission: Submission, attempt: int) -> Checkpoint | None:
    """What an attempt that is about to be placed begins from."""
    if attempt > 1 and (found := taken(read, run.id, folder_of(submission), attempt)) is not None:
        return found
    return submission.checkpoint


def accept(read: Read, checkpoint: Checkpoint) -> None:
    """Raises UserErrorException for one that no run can start from."""
    try:
        check_path(checkpoint.folder)
    except FaenaError:
        raise _outside(checkpoint) from None
    if not checkpoint.folder.startswith(_WITHIN):
        raise _outside(checkpoint)
    if bool(checkpoint.run) != bool(checkpoint.digest):
        raise UserErrorException("A checkpoint has a run and a digest, or neither.")
    if checkpoint.run and (why := missing(read, checkpoint)):
        raise UserErrorException(why)


def _outside(checkpoint: Checkpoint) -> UserErrorException:
    return UserErrorException(
        f"The checkpoint's folder is {checkpoint.folder[:80]!r}. Use one below outputs, such as 'outputs/checkpoint'."
    )


def missing(read: Read, checkpoint: Checkpoint) -> str:
    """Why a checkpoint cannot be had; empty: it can."""
    if not checkpoint.run or _digest(checkpoint, files(read, checkpoint)) == checkpoint.digest:
        return ""
    which = f"{checkpoint.folder} of run {checkpoint.run}"
    return f"The checkpoint to start from, {which}, is not there any more as it was."


def of_order(read: Read, run: Run, submission: Submission, attempt: int, rank: int) -> dict[str, Any] | None:
    """What a node is told: the folder, and the digests of its files, or why it cannot have them."""
    checkpoint = submission.checkpoint
    if attempt > 1 and (encoded := attempt_store.began_from(read, run.id, attempt)) is not None:
        checkpoint = msgspec.json.decode(encoded, type=Checkpoint)
    if checkpoint is None:
        # a script that may go again finds the folder when it does: so it does from the start
        may_go_again = submission.max_retries > 0 or attempt > 1
        checkpoint = Checkpoint(folder_of(submission)) if may_go_again else None
    if checkpoint is None:
        return None
    return {
        "folder": checkpoint.folder,
        "missing": "" if checkpoint.run == run.id else missing(read, checkpoint),
        "files": [
            {**msgspec.structs.asdict(file), "executable": False} for file in files(read, checkpoint, rank)
        ],
    }


def _digest(checkpoint: Checkpoint, found: Sequence[CheckpointFile]) -> str:
    """Of the names and bytes of all files."""
    listed = "".join(f"{file.digest} {file.size} {checkpoint.folder}/{file.path}\n" for file in found)
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()
