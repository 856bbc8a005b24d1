"""Captures a source folder and brings to the server what it does not have yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faena.client.session import Session
from faena.data.snapshots import capture
from faena.kernel import digests

if TYPE_CHECKING:
    from faena.data.schemas import Snapshot
    from faena.data.snapshots import Capture


def bring(session: Session, folder: Path) -> Snapshot:
    """The folder's snapshot, kept by the server. Prints what the user should know of it. Raises SnapshotException."""
    captured = capture(folder, index=_index(session, folder))
    for warning in captured.warnings:
        print(f"faena: {warning}")  # noqa: T201  seen in notebooks and terminals alike
    _send(session, folder, captured)
    return captured.snapshot


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
