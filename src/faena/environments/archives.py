"""Packages that lie on the submitter's disk, kept by their digest until an environment is made of them.

<FAENA_HOME>/archives/<digest>/<filename>   a wheel, a source distribution, or a folder packed as one
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Set
from pathlib import Path

from faena.environments.schemas import ArchiveRequest
from faena.kernel import digests, settings
from faena.kernel.errors import EnvironmentBuildException, UserErrorException

SUFFIXES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]{0,250}")
_LEAST_AGE = 86_400


def is_installable(path: Path) -> bool:
    """Whether it is a wheel, a source distribution or a project's folder."""
    if path.is_dir():
        return any((path / name).is_file() for name in PROJECT_FILES)
    return path.is_file() and path.name.endswith(SUFFIXES)


def check(archive: ArchiveRequest) -> None:
    """Raises UserErrorException for what cannot name an archive."""
    digests.check(archive.digest)
    if not (FILENAME.fullmatch(archive.filename) and archive.filename.endswith(SUFFIXES)):
        raise UserErrorException(f"{archive.filename[:80]!r} is no name of a wheel or a source distribution.")


def is_there(archive: ArchiveRequest) -> bool:
    return place(archive).is_file()


def place(archive: ArchiveRequest) -> Path:
    return kept_in() / archive.digest / archive.filename


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


def prune(held: Set[str], unused_seconds: float) -> int:
    """Remove those that no environment on this machine was made of and that nobody asked for of late; bytes freed."""
    freed = 0
    before = time.time() - max(unused_seconds, _LEAST_AGE)
    for folder in kept_in().iterdir():
        if folder.name in held or folder.stat().st_mtime > before:
            continue
        freed += (
            sum(file.stat().st_size for file in folder.iterdir())
            if folder.is_dir()
            else folder.stat().st_size
        )
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    return freed


def kept_in() -> Path:
    """The folder of all of them."""
    path = settings.home() / "archives"
    path.mkdir(mode=0o700, exist_ok=True)
    return path
