"""Checkpoints: what a run left below a folder of its own, and another one finds there when it starts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from faena.data.staging import check_path
from faena.db import Read
from faena.kernel.errors import FaenaError, UserErrorException
from faena.runs.schemas import Checkpoint
from faena.tracking.model import RunFile
from faena.tracking.store import files as run_files

_WITHIN = "outputs/"


def files(read: Read, run_id: str, folder: str) -> list[RunFile]:
    """In the history of a run, by name."""
    return run_files.of_run(read, run_id, f"{folder}/")


def of_run(read: Read, run_id: str, folder: str) -> Checkpoint:
    """What a run has left there, as it is now."""
    return Checkpoint(folder, run_id, _digest(files(read, run_id, folder)))


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
    if not checkpoint.run or _digest(files(read, checkpoint.run, checkpoint.folder)) == checkpoint.digest:
        return ""
    which = f"{checkpoint.folder} of run {checkpoint.run}"
    return f"The checkpoint to start from, {which}, is not there any more as it was."


def of_order(read: Read, checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    """What a node is told: the folder, and the digests of its files, or why it cannot have them."""
    if checkpoint is None:
        return None
    below = len(checkpoint.folder) + 1
    return {
        "folder": checkpoint.folder,
        "missing": missing(read, checkpoint),
        "files": [
            {"path": file.name[below:], "size": file.size, "digest": file.digest, "executable": False}
            for file in (files(read, checkpoint.run, checkpoint.folder) if checkpoint.run else ())
        ],
    }


def _digest(found: Sequence[RunFile]) -> str:
    """Of the names and bytes of all files."""
    listed = "".join(f"{file.digest} {file.size} {file.name}\n" for file in found)
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()
