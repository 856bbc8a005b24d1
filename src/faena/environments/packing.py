"""Puts packages of the submitter's disk where builders find them.

A folder is packed the same way each time, so that an unchanged one is the same environment.
"""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from faena.data import scan
from faena.data.index import Index
from faena.environments.archives import FILENAME, kept_in
from faena.environments.schemas import ArchiveRequest
from faena.kernel import digests
from faena.kernel.durable import sync_folder
from faena.kernel.errors import SnapshotException, UserErrorException

PACKED = "source.tar.gz"
"""A packed folder's name: one that tells no name and no version, so that uv asks the project itself."""

_LIMIT = scan.Limit(20_000, 512 << 20)
_1980 = 315_619_200  # zip archives, which wheels are, know no earlier time


def keep(path: Path, given: str) -> ArchiveRequest:
    """Put the package at `path` where builders find it. Raises UserErrorException naming it as it was given."""
    try:
        if path.is_dir():
            return ArchiveRequest(PACKED, _keep(PACKED, lambda file: _pack(path, file)), given=given)
        if not FILENAME.fullmatch(path.name):
            raise UserErrorException(f"{given[:80]!r} has no name of a wheel or a source distribution.")
        return ArchiveRequest(path.name, _keep(path.name, lambda file: _copy(path, file)), given=given)
    except (OSError, SnapshotException) as error:
        raise UserErrorException(f"The package {given[:80]!r} cannot be read: {error}.") from error


def keep_sent(archive: ArchiveRequest, content: BinaryIO) -> None:
    """Put a package whose bytes were sent where builders find it."""
    with content:
        _keep(archive.filename, lambda file: shutil.copyfileobj(content, file, 1 << 20))


def _keep(filename: str, write: Callable[[BinaryIO], None]) -> str:
    """Write a file, name its folder by the digest of what was written, and return that."""
    work = kept_in() / f".{secrets.token_hex(8)}"
    work.mkdir(mode=0o700)
    try:
        with (work / filename).open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(work)
        digest = digests.of_file(work / filename)
        target = kept_in() / digest
        if (target / filename).is_file() and digests.of_file(target / filename) == digest:
            os.utime(target)
            return digest
        target.mkdir(mode=0o700, exist_ok=True)
        (work / filename).replace(target / filename)
        sync_folder(target)
        sync_folder(kept_in())
        return digest
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _copy(path: Path, file: BinaryIO) -> None:
    with path.open("rb") as source:
        shutil.copyfileobj(source, file, 1 << 20)


def _pack(folder: Path, file: BinaryIO) -> None:
    """The files that a snapshot of the folder would hold, in one order, without times and owners."""
    root = os.path.realpath(folder)
    found = sorted(scan.scan(root, Index(root), _LIMIT).files, key=lambda each: each.path)
    # Not compressed for size: it stays on this machine.
    with (
        gzip.GzipFile("", "wb", 1, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for each in found:
            with Path(each.place).open("rb") as source:
                entry = tarfile.TarInfo(f"source/{each.path}")
                entry.size = os.fstat(source.fileno()).st_size
                entry.mode = 0o755 if each.stamp[4] & 0o100 else 0o644
                entry.mtime = _1980
                archive.addfile(entry, source)
