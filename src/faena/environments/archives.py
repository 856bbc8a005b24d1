"""Packages that lie on the submitter's disk, kept by their digest until an environment is made of them.

    <FAENA_HOME>/archives/<digest>/<filename>   a wheel, a source distribution, or a folder packed as one

A folder is packed the same way each time, so that an unchanged one is the same environment.
"""

from __future__ import annotations

import gzip
import os
import re
import secrets
import shutil
import tarfile
import time
from collections.abc import Callable, Set
from pathlib import Path
from typing import BinaryIO

from faena.data import scan
from faena.data.index import Index
from faena.environments.schemas import ArchiveRequest
from faena.kernel import digests, settings
from faena.kernel.durable import sync_folder
from faena.kernel.errors import EnvironmentBuildException, SnapshotException, UserErrorException

SUFFIXES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
PACKED = "source.tar.gz"
"""A packed folder's name: one that tells no name and no version, so that uv asks the project itself."""

_FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]{0,250}")
_LIMIT = scan.Limit(20_000, 512 << 20)
_LEAST_AGE = 86_400
_1980 = 315_619_200  # zip archives, which wheels are, know no earlier time


def is_installable(path: Path) -> bool:
    """Whether it is a wheel, a source distribution or a project's folder."""
    if path.is_dir():
        return any((path / name).is_file() for name in PROJECT_FILES)
    return path.is_file() and path.name.endswith(SUFFIXES)


def keep(path: Path, given: str) -> ArchiveRequest:
    """Put the package at `path` where builders find it. Raises UserErrorException naming it as it was given."""
    try:
        if path.is_dir():
            return ArchiveRequest(PACKED, _keep(PACKED, lambda file: _pack(path, file)), given=given)
        if not _FILENAME.fullmatch(path.name):
            raise UserErrorException(f"{given[:80]!r} has no name of a wheel or a source distribution.")
        return ArchiveRequest(path.name, _keep(path.name, lambda file: _copy(path, file)), given=given)
    except (OSError, SnapshotException) as error:
        raise UserErrorException(f"The package {given[:80]!r} cannot be read: {error}.") from error


def check(archive: ArchiveRequest) -> None:
    """Raises UserErrorException for what cannot name an archive."""
    digests.check(archive.digest)
    if not (_FILENAME.fullmatch(archive.filename) and archive.filename.endswith(SUFFIXES)):
        raise UserErrorException(f"{archive.filename[:80]!r} is no name of a wheel or a source distribution.")


def is_there(archive: ArchiveRequest) -> bool:
    return place(archive).is_file()


def place(archive: ArchiveRequest) -> Path:
    return _folder() / archive.digest / archive.filename


def verified(archive: ArchiveRequest) -> Path:
    """Its path, once its bytes were looked at. Raises EnvironmentBuildException where it is missing or damaged."""
    path = place(archive)
    try:
        if digests.of_file(path) == archive.digest:
            os.utime(path.parent)
            return path
        state = "is damaged"
    except OSError:
        state = "is not on this machine any more"
    raise EnvironmentBuildException(
        f"The package {archive.given or archive.name or archive.filename} that was brought from the submitter's disk "
        f"{state}: {path}. Submit again from the folder that has it."
    )


def keep_sent(archive: ArchiveRequest, content: BinaryIO) -> None:
    """Put a package whose bytes were sent where builders find it."""
    with content:
        _keep(archive.filename, lambda file: shutil.copyfileobj(content, file, 1 << 20))


def prune(held: Set[str], unused_seconds: float) -> int:
    """Remove those that no environment on this machine was made of and that nobody asked for of late; bytes freed."""
    freed = 0
    before = time.time() - max(unused_seconds, _LEAST_AGE)
    for folder in _folder().iterdir():
        if folder.name in held or folder.stat().st_mtime > before:
            continue
        freed += (
            sum(file.stat().st_size for file in folder.iterdir())
            if folder.is_dir()
            else folder.stat().st_size
        )
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    return freed


def _folder() -> Path:
    path = settings.home() / "archives"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _keep(filename: str, write: Callable[[BinaryIO], None]) -> str:
    """Write a file, name its folder by the digest of what was written, and return that."""
    work = _folder() / f".{secrets.token_hex(8)}"
    work.mkdir(mode=0o700)
    try:
        with (work / filename).open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(work)
        digest = digests.of_file(work / filename)
        target = _folder() / digest
        if (target / filename).is_file() and digests.of_file(target / filename) == digest:
            os.utime(target)
            return digest
        target.mkdir(mode=0o700, exist_ok=True)
        (work / filename).replace(target / filename)
        sync_folder(target)
        sync_folder(_folder())
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
