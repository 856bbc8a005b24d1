"""What processes that were killed left in the runtime folder: sockets, lock files, folders for them.

A lock file is removed by whoever holds it, and whoever takes one looks whether it still has its name (`try_lock`): so
two processes never hold two files of one name.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.kernel.discovery import try_lock

SETTLING = 60.0
"""Seconds that a socket gets between its name and its listener."""
_MEETING = re.compile(r"[0-9a-f]{16}")


def is_meeting(name: str) -> bool:
    """Whether a name in the runtime folder is that of a workspace's server."""
    return _MEETING.fullmatch(name) is not None


def sweep(runtime: Path) -> list[Path]:
    """Remove what belongs to servers and nodes, of all workspaces of this user, that are gone; what was removed.

    Silent about what cannot be removed. Takes no server's place for longer than a look.
    """
    removed: list[Path] = []
    for name in sorted({path.stem for path in _entries(runtime) if is_meeting(path.stem)}):
        base = runtime / name
        removed += _sweep_nodes(base)
        with _alone(base.with_suffix(".lock")) as alone:
            if not alone:
                continue  # its server lives
            sock = base.with_suffix(".sock")
            if is_refused(sock):
                removed += _gone(sock)
            if not sock.exists() and not _entries(base):
                removed += _gone(base) + _gone(base.with_suffix(".lock"))
    return removed


def _sweep_nodes(folder: Path) -> list[Path]:
    """Of nodes, adopters and followers that are gone."""
    removed: list[Path] = []
    for path in _entries(folder):
        if path.suffix == ".lock":
            with _alone(path) as alone:
                removed += _gone(path) if alone else []
        elif path.suffix == ".sock" and _age(path) > SETTLING and is_refused(path):
            removed += _gone(path)
    return removed


def is_refused(path: Path) -> bool:
    """Whether there is a socket at which nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
    return False


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Hold a lock file, unless somebody else does; False then, and where it cannot be held."""
    try:
        descriptor = try_lock(path)
    except OSError:
        descriptor = None
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _gone(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    except OSError:
        return []
    return [path]


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _entries(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder)]
    except OSError:
        return []
