"""The copy of Faena's own code for Python 3.6, made once for each content that it has.

It lies in the user's state folder, since Faena may be installed where nobody can write, and is named by what it was
made of: a newer Faena has another one, and runs of the earlier one keep theirs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from faena.kernel import settings
from faena.kernel.errors import RunEnvironmentException
from faena.kernel.python36 import versions

_FAENA = Path(__file__).resolve().parents[2]
_ROOMS = ("script",)
_OF_A_GUARD = (
    "__init__.py",
    "attempts/__init__.py",
    "attempts/script_files.py",
    "kernel/__init__.py",
    "kernel/durable.py",
    "kernel/preloading.py",
    "node/__init__.py",
    "node/boot_clock.py",
    "node/cgroups.py",
    "node/fence.py",
    "node/guard.py",
    "node/mounts.py",
    "node/processes.py",
    "node/script_process.py",
    "node/warm/__init__.py",
    "node/warm/pairs.py",
    "node/warm/template.py",
)
"""What a template loads, which forks guards."""
_NAME = "python36"
_KEPT_SECONDS = 30 * 86400.0


def folder() -> Path:
    """The `faena` of Python 3.6, with the same folders in it. Raises RunEnvironmentException, OSError."""
    made = settings.home() / _NAME / _digest()
    if not made.is_dir():
        _make(made, _sources())
    with suppress(OSError):
        os.utime(made)  # when it was last used
    return made / "faena"


def faena_of(python: str) -> Path:
    """The folder `faena` from which an interpreter loads what scripts, kernels and guards need.

    Raises RunEnvironmentException and OSError where that of Python 3.6 cannot be made.
    """
    return folder() if versions.minor_of(python) == (3, 6) else _FAENA


@cache
def _digest() -> str:
    found = hashlib.sha256(Path(__file__).with_name("source.py").read_bytes())
    for name, data in _sources().items():
        found.update(f"{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()[:32]


def _sources() -> dict[str, bytes]:
    return {name: (_FAENA / name).read_bytes() for name in names()}


def names() -> list[str]:
    """The files that a copy has, below `faena`."""
    found = (path for room in _ROOMS for path in (_FAENA / room).rglob("*.py"))
    return sorted([*_OF_A_GUARD, *(path.relative_to(_FAENA).as_posix() for path in found)])


def _make(made: Path, sources: dict[str, bytes]) -> None:
    """Whole or not at all, by the first of several processes."""
    from faena.kernel.fsync import sync_all  # these two are loaded once in the life of a release
    from faena.kernel.python36 import source

    made.parent.mkdir(parents=True, exist_ok=True)
    with (made.parent / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.is_dir():
            return
        _remove_unused(made.parent)
        unfinished = made.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for name, data in sources.items():
            path = unfinished / "faena" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(source.for_python36(data.decode(), name).encode())
            except ValueError as error:
                raise RunEnvironmentException(f"Faena is damaged: {error}. Install it anew.") from error
        sync_all(path for path in unfinished.rglob("*"))
        unfinished.rename(made)


def _remove_unused(copies: Path) -> None:
    """Those of earlier versions that nothing has been started from for a month."""
    before = time.time() - _KEPT_SECONDS
    for path in copies.iterdir():
        if path.is_dir() and path.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)
