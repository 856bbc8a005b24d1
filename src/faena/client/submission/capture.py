"""Captures a source folder and brings to the server what it does not have yet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from faena.client.submission.progress import Teller
from faena.client.workspaces.session import Session
from faena.data.scan import MODEST, NO_LIMIT, Limit
from faena.data.snapshots import capture
from faena.kernel import batches, digests
from faena.kernel.errors import SnapshotException
from faena.script.messages import tell_once

if TYPE_CHECKING:
    from faena.data.schemas import Snapshot, SnapshotFile
    from faena.data.snapshots import Capture


def bring(session: Session, folder: Path, limit: Limit = NO_LIMIT) -> Snapshot:
    """The folder's snapshot, kept by the server. Prints what the user should know of it. Raises SnapshotException."""
    return _bring(session, folder, limit, again=True)[0]


def bring_once(session: Session, folder: Path) -> tuple[Snapshot, bool]:
    """The same, and whether it was offered now: not where this process has offered the same one before."""
    return _bring(session, folder, NO_LIMIT, again=False)


def _bring(session: Session, folder: Path, limit: Limit, *, again: bool) -> tuple[Snapshot, bool]:
    teller = Teller(folder)
    try:
        captured = capture(folder, index=_index(session, folder), limit=limit, watcher=teller)
        for warning in captured.warnings:
            tell_once(f"faena: {warning}")
        snapshot = captured.snapshot
        named = (snapshot.digest, None if snapshot.git is None else snapshot.git.diff_digest)
        if offers := again or named not in session.offered:
            _send(session, folder, captured, teller)
            session.offered.add(named)
    finally:
        teller.end()
    return snapshot, offers


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


def _send(session: Session, folder: Path, captured: Capture, teller: Teller) -> None:
    api = session.api
    missing = set(api.missing_objects(captured.snapshot))
    if not missing:
        return
    git = captured.snapshot.git
    if captured.diff is not None and git is not None and git.diff_digest in missing:
        api.send_object(git.diff_digest, captured.diff)
    files = {file.digest: file for file in captured.snapshot.files if file.digest in missing}
    teller.to_send([(file.path, file.size) for file in files.values()])
    # One request is on its way while the next is read: the disk makes each wait.
    with ThreadPoolExecutor(1, thread_name_prefix="send") as pool:
        sending: Future[None] | None = None
        for batch in _batches(file for file in files.values() if file.size < batches.LARGEST):
            contents = [(file.digest, _content(folder, file)) for file in batch]
            if sending is not None:
                sending.result()
            sending = pool.submit(api.send_objects, contents)
            teller.done(len(batch), sum(file.size for file in batch))
        if sending is not None:
            sending.result()
    for file in files.values():
        if file.size >= batches.LARGEST:
            api.take_file(file.digest, folder.absolute() / file.path)
            teller.done(1, file.size)
    api.missing_objects(captured.snapshot)


def _batches(files: Iterable[SnapshotFile]) -> Iterator[list[SnapshotFile]]:
    """Small files, as many at a time as one request takes."""
    batch: list[SnapshotFile] = []
    size = 0
    for file in files:
        if len(batch) == batches.MOST_OBJECTS or size + file.size > batches.MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _content(folder: Path, file: SnapshotFile) -> bytes:
    """The bytes that were captured. Raises SnapshotException where they are others now."""
    try:
        # What took the file's place is not waited for: a FIFO has no bytes, and other ones than the file.
        descriptor = os.open(folder / file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            data = opened.read(file.size + 1)
    except OSError as error:
        raise SnapshotException(
            f"{file.path!r} in the source folder cannot be read any more: {error.strerror}. Submit again."
        ) from error
    if digests.of_bytes(data) != file.digest:
        raise SnapshotException(
            f"{file.path!r} in the source folder changed while it was submitted. Stop what writes to it, or leave it "
            "out of the source folder's snapshot, and submit again."
        )
    return data


def _index(session: Session, folder: Path) -> Path:
    name = digests.of_bytes(str(folder.absolute()).encode("utf-8", "surrogateescape"))[:32]
    return session.indexes / name
