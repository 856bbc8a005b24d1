"""Captures a source folder and brings to the server what it does not have yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from faena.client.session import Session
from faena.data.scan import MODEST, NO_LIMIT, Limit
from faena.data.snapshots import capture
from faena.kernel import digests
from faena.kernel.errors import SnapshotException
from faena.script.told import tell_once

if TYPE_CHECKING:
    from faena.data.schemas import Snapshot
    from faena.data.snapshots import Capture


def bring(session: Session, folder: Path, limit: Limit = NO_LIMIT) -> Snapshot:
    """The folder's snapshot, kept by the server. Prints what the user should know of it. Raises SnapshotException."""
    captured = capture(folder, index=_index(session, folder), limit=limit)
    for warning in captured.warnings:
        tell_once(f"faena: {warning}")
    _send(session, folder, captured)
    return captured.snapshot


def bring_if_possible(session: Session, folder: str | os.PathLike[str] | None) -> Snapshot | None:
    """The snapshot of a folder that a run may do without; None, which is told, where there can be none.

    The current folder, which nobody may have meant, is captured while it is small enough to be a source.
    """
    if folder is None:
        return None
    path = Path(folder).expanduser()
    try:
        return bring(session, path, MODEST if path == Path() else NO_LIMIT)
    except SnapshotException as error:
        tell_once(f"faena: the run has no snapshot: {error.message}")
        return None


def _send(session: Session, folder: Path, captured: Capture) -> None:
    api = session.api
    missing = set(api.missing_objects(captured.snapshot))
    if not missing:
        return
    git = captured.snapshot.git
    if captured.diff is not None and git is not None and git.diff_digest in missing:
        api.send_object(git.diff_digest, captured.diff)
    for file in captured.snapshot.files:
        if file.digest in missing:
            api.take_file(file.digest, folder.absolute() / file.path)
            missing.discard(file.digest)
    api.missing_objects(captured.snapshot)


def _index(session: Session, folder: Path) -> Path:
    name = digests.of_bytes(str(folder.absolute()).encode("utf-8", "surrogateescape"))[:32]
    return session.files.indexes / name
