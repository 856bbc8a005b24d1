"""The environments that are on this machine: list them, remove them."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import msgspec

from faena.environments.folders import envs, open_lock
from faena.environments.model import Lock
from faena.environments.ready import LOCK_COPY, READY, SETTLED, ready_python
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException


class Shelved(msgspec.Struct, frozen=True):
    digest: str
    ready: bool
    """False: a build that is under way or was interrupted."""
    bytes_used: int
    """On disk; files that are hard links into uv's cache count in full."""
    last_used: Micros
    lock: Lock | None


def list_environments() -> list[Shelved]:
    """All on this machine, the last used first. Walks every file."""
    found = [_shelved(path) for path in envs().iterdir() if path.is_dir() and _is_digest(path.name)]
    return sorted(found, key=lambda each: each.last_used, reverse=True)


def prune(digest: str) -> bool:
    """Removes an environment, also a half-made one. False: a run or a build holds it. Raises `NotFound`.

    The lock that it was built from stays: asked for again, it gets the same versions.
    """
    folder = envs() / digests.check(digest)
    if not folder.is_dir():
        raise NotFound(f"There is no environment {digest[:12]} on this machine. List those that are.")
    fd = open_lock(envs() / f"{digest}.lock")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        # The marks go first: what is left by a kill in the middle does not look ready.
        for name in (READY, SETTLED):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder)
        for suffix in (".failed.json", ".log"):
            (envs() / f"{digest}{suffix}").unlink(missing_ok=True)
        return True
    finally:
        os.close(fd)


def _shelved(folder: Path) -> Shelved:
    try:
        lock = Lock.from_json((folder / LOCK_COPY).read_bytes())
    except (FileNotFoundError, UserErrorException):
        lock = None
    try:
        last_used = (envs() / f"{folder.name}.lock").stat().st_mtime_ns // 1000
    except FileNotFoundError:
        last_used = 0
    return Shelved(folder.name, ready_python(folder.name) is not None, _bytes(folder), last_used, lock)


def _bytes(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(f"{place}/{name}").st_blocks * 512
            except FileNotFoundError:  # a build or a prune is at it
                continue
    return total


def _is_digest(name: str) -> bool:
    return len(name) == 64 and all(character in "0123456789abcdef" for character in name)
