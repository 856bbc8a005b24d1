"""Files that a run has left, as the input of another one: by their digests, as they were at its submission."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from faena.data import safe_paths
from faena.db import Read
from faena.kernel.errors import NotFound, UserErrorException
from faena.runs import store
from faena.runs.schemas import LeftFiles
from faena.runs.submission_schemas import DataInput
from faena.tracking.model import RunFile
from faena.tracking.store import files as run_files

MOST_FILES = 10_000
"""An order names each of them."""
_NAMED = 10


def offer(read: Read, run_id: str, path: str) -> LeftFiles:
    """What another run may be given. Raises NotFound, and UserErrorException for a run that goes on."""
    run = store.get(read, run_id)
    if run is None or run.deletion is not None:
        raise NotFound(f"There is no run {run_id[:300]!r} in this workspace.")
    if not run.status.is_terminal():
        raise UserErrorException(
            f"Run {run_id} is {run.shown_status}: what it leaves is known when it has ended. Wait for it first "
            f"(`faena wait {run_id}`)."
        )
    path = safe_paths.check(path)
    if not path:
        raise UserErrorException("Name a folder or file of the run, such as 'outputs'.")
    found, is_file = _found(read, run_id, path)
    if not found:
        raise NotFound(f"Run {run_id} has left nothing at {path!r}. {_instead(read, run_id)}")
    if len(found) > MOST_FILES:
        raise UserErrorException(
            f"Run {run_id} has left {len(found):,} files at {path!r}; {MOST_FILES:,} at most can be given to "
            "another one. Name a folder in it, or have the run write to a datastore (as_upload)."
        )
    return LeftFiles(
        run_id, path, _digest(found), len(found), sum(file.size for file in found), is_file=is_file
    )


def accept(read: Read, inputs: Sequence[DataInput]) -> None:
    """Raises UserErrorException for what is not there as it was offered."""
    total = 0
    for data in inputs:
        if not data.run:
            continue
        if data.path != safe_paths.check(data.path) or not data.path:
            raise UserErrorException(f"The path {data.path[:200]!r} is not in its shortest form.")
        if why := missing(read, data):
            raise UserErrorException(why)
        total += len(_found(read, data.run, data.path)[0])
    if total > MOST_FILES:
        raise UserErrorException(
            f"The inputs of other runs have {total:,} files together; a run may be given {MOST_FILES:,}."
        )


def missing(read: Read, data: DataInput) -> str:
    """Why an input cannot be had; empty: it can."""
    if data.digest and _digest(_found(read, data.run, data.path)[0]) == data.digest:
        return ""
    which = f"The input {data.name!r}, {data.path} of run {data.run},"
    return f"{which} is not there any more as it was. Was the run deleted?"


def of_order(read: Read, data: DataInput) -> dict[str, Any]:
    """What a node is told in place of a source."""
    found, is_file = _found(read, data.run, data.path)
    below = len(data.path.rpartition("/")[0]) if is_file else len(data.path)
    return {
        "run": data.run,
        "path": data.path,
        "is_file": is_file,
        "missing": missing(read, data),
        "files": [
            {"path": file.name[below:].lstrip("/"), "size": file.size, "digest": file.digest}
            for file in found
        ],
    }


def _found(read: Read, run_id: str, path: str) -> tuple[list[RunFile], bool]:
    """By name, and whether they are one file of that name."""
    single = run_files.find(read, run_id, path)
    return ([single], True) if single else (run_files.of_run(read, run_id, f"{path}/"), False)


def _digest(found: Sequence[RunFile]) -> str:
    listed = "".join(f"{file.digest} {file.size} {file.name}\n" for file in found)
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()


def _instead(read: Read, run_id: str) -> str:
    names = [file.name for file in run_files.of_run(read, run_id, "")]
    if not names:
        return "It has no files: a script's are those in ./outputs and those that it uploads."
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"There is: {', '.join(names[:_NAMED])}{more}."
