"""Bytes that a node on another machine keeps from one attempt to the next, below a limit: the least recently used go.

    <folder>/<ab>/<name>   whole files, read-only: an object by its digest, a file of a datastore by `at-` and a digest
    <folder>/boot          the machine's boot in which it was used last

Files are not synced. What lay here when the machine was started anew may be torn: an object is verified when it is
opened, a file of a datastore is fetched again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from faena.kernel import process_identity
from faena.kernel.errors import UserErrorException

SETTING = "FAENA_NODE_CACHE_GB"
PLACE = "at-"
"""What names begin with that no digest of their bytes is."""
_DEFAULT_GB = 20.0
_TOLD_SELDOM_NS = 600 * 10**9
"""Nanoseconds: no oftener is it written down that a file was used, which changes what tells it from another one."""


def limit() -> int:
    """Bytes that the cache of a machine may take. Raises UserErrorException for a setting that is no such number."""
    given = os.environ.get(SETTING) or str(_DEFAULT_GB)
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes <= 10**9:
        raise UserErrorException(f"{SETTING} is {given[:80]!a}. Give a number of gigabytes, 0 or more.")
    return int(gigabytes * 10**9)


class _Kept(NamedTuple):
    size: int
    used: int
    """When it was last, in ns."""


class Cache:
    """Of one process, which holds the machine's lock. For several threads."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._held: set[str] = set()
        """What the attempt that runs has used."""
        self._turn = threading.Lock()
        self._kept = self._found()

    @property
    def size(self) -> int:
        return sum(each.size for each in self._kept.values())

    def begin(self) -> None:
        """Another attempt begins: what only the one before used may go."""
        with self._turn:
            self._held.clear()
            self._make_room()

    def find(self, name: str) -> Path | None:
        """A file that is here, which stays as long as the attempt runs."""
        path = self._path(name)
        with self._turn:
            kept = self._kept.get(name)
            if kept is None:
                return None
            if not path.exists():  # somebody removed it
                del self._kept[name]
                return None
            now = time.time_ns()
            if now - kept.used > _TOLD_SELDOM_NS:
                with contextlib.suppress(OSError):
                    os.utime(path)
            self._kept[name] = kept._replace(used=now)
            self._held.add(name)
            return path

    def bring(self, name: str, fetch: Callable[[Path], None]) -> Path:
        """The file of this name, which `fetch` writes, whole or not at all, where it is not here."""
        if (found := self.find(name)) is not None:
            return found
        path = self._path(name)
        path.parent.mkdir(exist_ok=True)
        try:
            fetch(path)
        except (UserErrorException, OSError) as error:
            if not _is_of_a_full_disk(error):
                raise
            self.empty()
            fetch(path)
        path.chmod(0o444)
        size = path.stat().st_size
        with self._turn:
            self._kept[name] = _Kept(size, time.time_ns())
            self._held.add(name)
            self._make_room()
        return path

    def drop(self, name: str) -> None:
        """It is not what it should be."""
        with self._turn:
            self._kept.pop(name, None)
            self._path(name).unlink(missing_ok=True)

    def empty(self) -> None:
        """Remove all that the attempt which runs does not need: the disk is full."""
        with self._turn:
            self._make_room(0)

    def _make_room(self, limit: int | None = None) -> None:
        over = self.size - (self._limit if limit is None else limit)
        if over <= 0:
            return
        for name, kept in sorted(self._kept.items(), key=lambda item: item[1].used):
            if over <= 0:
                return
            if name in self._held:
                continue
            self._path(name).unlink(missing_ok=True)
            del self._kept[name]
            over -= kept.size

    def _path(self, name: str) -> Path:
        return self._folder / name.removeprefix(PLACE)[:2] / name

    def _found(self) -> dict[str, _Kept]:
        """What is on disk. What a killed process was writing goes."""
        found: dict[str, _Kept] = {}
        same_boot = self._is_of_this_boot()
        for path in self._folder.glob("*/*"):
            try:
                if path.name.startswith(".") or (path.name.startswith(PLACE) and not same_boot):
                    path.unlink()
                    continue
                status = path.stat()
            except OSError:
                continue
            found[path.name] = _Kept(status.st_size, status.st_mtime_ns)
        return found

    def _is_of_this_boot(self) -> bool:
        marker, boot = self._folder / "boot", process_identity.boot()
        try:
            if boot and marker.read_text() == boot:
                return True
        except (OSError, UnicodeDecodeError):
            pass
        self._folder.mkdir(parents=True, exist_ok=True)
        marker.write_text(boot)
        return False


def _is_of_a_full_disk(error: BaseException) -> bool:
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
