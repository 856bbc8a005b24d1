"""The environments that are on this machine: list them, see who holds them, remove them."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from pathlib import Path

import msgspec

from faena.environments.failures import Failure
from faena.environments.folders import envs, locks, open_lock
from faena.environments.model import Lock
from faena.environments.ready import LOCK_COPY, READY, SETTLED, hold_path, ready_python
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException

_DIGEST = re.compile(r"[0-9a-f]{64}")


class CachedEnvironment(msgspec.Struct, frozen=True):
    digest: str
    ready: bool
    """False: a build that is under way or was interrupted."""
    bytes_used: int
    """On disk; files that are hard links into uv's cache count in full."""
    last_used: Micros
    lock: Lock | None


class FailedBuild(msgspec.Struct, frozen=True):
    digest: str
    """Of the lock; of the spec, where it could not be resolved."""
    failure: Failure


def list_environments() -> list[CachedEnvironment]:
    """All on this machine, the last used first. Walks every file."""
    found = [_cached(path) for path in envs().iterdir() if path.is_dir() and _DIGEST.fullmatch(path.name)]
    return sorted(found, key=lambda each: each.last_used, reverse=True)


def made_of() -> set[str]:
    """Digests of the archives that environments on this machine hold."""
    found: set[str] = set()
    for path in envs().glob(f"*/{LOCK_COPY}"):
        try:
            found |= {each.digest for each in Lock.from_json(path.read_bytes()).archives}
        except (FileNotFoundError, UserErrorException):
            continue
    return found


def list_failures() -> list[FailedBuild]:
    """What is remembered of builds that failed, the newest first."""
    found = []
    for path in (*envs().glob("*.failed.json"), *locks().glob("*.failed.json")):
        try:
            failure = msgspec.json.decode(path.read_bytes(), type=Failure)
        except (FileNotFoundError, msgspec.DecodeError):
            continue
        if _DIGEST.fullmatch(path.name[:64]):
            found.append(FailedBuild(path.name[:64], failure))
    return sorted(found, key=lambda each: each.failure.at, reverse=True)


def forget_failure(digest: str) -> None:
    """The next one who asks tries again."""
    pattern = f"{digests.check(digest)}*.failed.json"
    for path in (*envs().glob(pattern), *locks().glob(pattern)):
        path.unlink(missing_ok=True)


def holder(digest: str) -> str:
    """Who keeps it from being removed: `a build`, or `a process` that uses it (a run, or what compiles its bytecode).

    Empty: nobody.
    """
    fd = open_lock(hold_path(digest))
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return "a build"
    else:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "a process"
        return ""
    finally:
        os.close(fd)


def prune(digest: str) -> bool:
    """Removes an environment, also a half-made one. False: a run or a build holds it. Raises `NotFound`.

    The lock that it was built from stays: asked for again, it gets the same versions.
    """
    folder = envs() / digests.check(digest)
    if not folder.is_dir():
        raise NotFound(f"There is no environment {digest[:12]} on this machine. List those that are.")
    fd = open_lock(hold_path(digest))
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


def _cached(folder: Path) -> CachedEnvironment:
    try:
        lock = Lock.from_json((folder / LOCK_COPY).read_bytes())
    except (FileNotFoundError, UserErrorException):
        lock = None
    try:
        last_used = hold_path(folder.name).stat().st_mtime_ns // 1000
    except FileNotFoundError:
        last_used = 0
    return CachedEnvironment(
        folder.name, ready_python(folder.name) is not None, bytes_of(folder), last_used, lock
    )


def bytes_of(folder: Path) -> int:
    """On disk. Walks every file."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(f"{place}/{name}").st_blocks * 512
            except FileNotFoundError:  # a build or a prune is at it
                continue
    return total
