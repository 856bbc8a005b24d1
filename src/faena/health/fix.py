"""Removes what is always safe to remove, under the lock that keeps others from needing it meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.health import leftovers
from faena.health.subject import Subject
from faena.kernel.discovery import is_held, try_lock
from faena.kernel.leftovers import is_meeting, is_refused


def fix(subject: Subject) -> Iterator[str]:
    """Does it, and says what was done, a line each. What cannot be removed stays and is named."""
    subject = subject.visible
    for path in leftovers.stale_sockets(subject):
        with _no_server(_election_of(path)) as alone:
            if alone and is_refused(path):
                yield _remove(path, "stale socket")
    for path in leftovers.stale_locks(subject):
        with _no_server(_election_of(path)) as alone:
            if alone and not is_held(path):
                yield _remove(path, "lock file")
    for path in leftovers.forgotten_files(subject):
        incoming = path.parent.name == leftovers.INCOMING and subject.election is not None
        with _no_server(subject.election if incoming else None) as alone:
            if alone:
                yield _remove(path, "temporary file")


def _remove(path: Path, what: str) -> str:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return f"could not remove {path}: {error.strerror}"
    return f"removed the {what} {path}"


def _election_of(path: Path) -> Path:
    """The election lock of the workspace that a file of the runtime folder belongs to."""
    return path.with_suffix(".lock") if is_meeting(path.stem) else path.parent.with_suffix(".lock")


@contextmanager
def _no_server(election: Path | None) -> Iterator[bool]:
    """Win the election, so that no server starts meanwhile; False when there is one. None: servers do not matter."""
    if election is None:
        yield True
        return
    try:
        lock = try_lock(election)
    except OSError:  # the folder cannot be written: nothing can be removed there either
        lock = None
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)
