"""Use cases of snapshots and sample data sets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from faena.data import store
from faena.data.mnist import ensure_mnist
from faena.data.originals.service import ENSURE
from faena.data.sample_files import SAMPLE_FILES
from faena.data.schemas import Snapshot, SnapshotFile, manifest_digest
from faena.data.staging import check_path
from faena.db import Database, Read, Write
from faena.kernel import settings
from faena.kernel.clock import Clock, Micros
from faena.kernel.errors import NotFound, SnapshotException, SnapshotMissing
from faena.objects.service import Objects

_log = logging.getLogger(__name__)
_DATASETS: dict[str, Callable[[Path, Callable[[str], None]], Path]] = {
    "mnist": ensure_mnist,
    **ENSURE,
}


async def put_snapshot(
    digest: str, snapshot: Snapshot, objects: Objects, database: Database, clock: Clock
) -> list[str]:
    """Keep a snapshot whose objects are all here; else nothing is kept, and the missing objects are returned.

    Raises SnapshotException when the digest is not the manifest's.
    """
    if digest != snapshot.digest or digest != manifest_digest(snapshot.files):
        raise SnapshotException(
            f"The manifest does not have the digest {digest[:64]!r}. Capture the folder again."
        )
    wanted = {file.digest for file in snapshot.files}
    if snapshot.git is not None and snapshot.git.diff_digest is not None:
        wanted.add(snapshot.git.diff_digest)
    missing = await objects.missing(wanted)
    if not missing:
        now = clock.now()
        await database.write(lambda write: store.put(write, snapshot, wanted, now))
    return missing


def see(digest: str, git: Mapping[str, Any] | None, database: Database, objects: Objects) -> set[str]:
    """See that all bytes of a snapshot that was offered before are here; what it refers to beside its files. Blocks.

    Raises SnapshotMissing.
    """
    files = database.look_up(lambda read: store.files(read, digest))
    diff = (git or {}).get("diff_digest")
    others = {diff} if isinstance(diff, str) else set()
    wanted = {file.digest for file in files or ()} | others
    objects.files.look_ahead(wanted)
    if files is None or any(objects.files.size_to_keep(each) is None for each in wanted):
        raise _missing(digest)
    return others


def renew(write: Write, digest: str, references: set[str], now: Micros) -> None:
    """Have a snapshot that was seen stay until the run that comes of it refers to it. Raises SnapshotMissing."""
    if not store.renew(write, digest, references, now):
        raise _missing(digest)


def _missing(digest: str) -> SnapshotMissing:
    return SnapshotMissing(
        f"The snapshot {digest[:64]!r} is not in this workspace, or not all of its bytes are. Send it before the run."
    )


def snapshot_files(read: Read, digest: str) -> tuple[SnapshotFile, ...]:
    """The manifest, each path of which stays below the folder that it is written to.

    Raises NotFound, and SnapshotException for a manifest with another path: nothing of it is given out.
    """
    files = store.files(read, digest)
    if files is None:
        raise NotFound(
            f"There is no snapshot {digest[:64]!r} in this workspace. A run's get_snapshot_id() names one."
        )
    seen: set[str] = set()
    for file in files:
        if check_path(file.path) in seen:
            raise SnapshotException(
                f"The snapshot's path {file.path[:200]!r} is there twice. Capture it again."
            )
        seen.add(file.path)
    return files


def datasets_root() -> Path:
    """Where sample data sets lie, once per user."""
    return settings.home() / "datasets"


def open_sample(name: str, file: str) -> IO[bytes]:
    """One of the files that a sample data set is of, in whose folder they lie. Raises NotFound."""
    if file not in SAMPLE_FILES.get(name, ()):
        there = ", ".join(f"{each}/{part}" for each, parts in SAMPLE_FILES.items() for part in parts)
        raise NotFound(
            f"There is no file {file[:80]!r} of a sample data set {name[:80]!r}. There is: {there}."
        )
    return (ensure_dataset(name) / SAMPLE_FILES[name][file]).open("rb")


def ensure_dataset(name: str) -> Path:
    """The root folder under which frameworks find the data set; fetched at the first call. Raises NotFound."""
    if name not in _DATASETS:
        raise NotFound(f"There is no sample data set {name[:80]!r}. There is: {', '.join(_DATASETS)}.")
    _DATASETS[name](datasets_root(), _log.info)
    return datasets_root()
