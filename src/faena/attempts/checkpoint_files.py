"""The files of a script's checkpoint folder: which there are, and which of them are whole."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from typing import NamedTuple

from faena.attempts.follow import is_within
from faena.kernel import file_names

STILL_S = 2.0
"""Seconds for which a file that was not renamed into place must lie still to count as whole."""
MOST_FILES = 10_000


class Found(NamedTuple):
    path: str
    inode: int
    size: int
    modified: int
    changed: int

    @property
    def stamp(self) -> tuple[int, int, int]:
        return self.inode, self.size, self.modified


class Listed(NamedTuple):
    files: dict[str, Found]
    """By name in the folder."""
    folders: list[str]
    too_many: bool


def listed(folder: str, root: str) -> Listed:
    """A link that stays within `root` counts as the file that it leads to; one to a folder is passed over."""
    files: dict[str, Found] = {}
    folders = [folder] if os.path.isdir(folder) and is_within(folder, root) else []  # noqa: PTH112  as below
    for place in folders:  # grows meanwhile
        below = place[len(folder) + 1 :]
        try:
            entries = list(os.scandir(place))  # looked at often, so paths are text here
        except OSError:
            continue
        for entry in entries:
            if len(files) + len(folders) > MOST_FILES:
                return Listed(files, folders, True)
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
                continue
            name = f"{below}/{entry.name}" if below else entry.name
            found = _file(entry, root)
            if found is not None and file_names.refusal(name) is None and "\\" not in name:
                files[name] = found
    return Listed(files, folders, False)


def _file(entry: os.DirEntry[str], root: str) -> Found | None:
    try:
        if entry.is_symlink() and not is_within(entry.path, root):
            return None
        status = entry.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(entry.path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def is_open_for_writing(path: str) -> bool:
    """Whether some process may still write the file, where the file system can say so."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        # who opens it for writing just now has this process sent a signal that nobody minds, instead of SIGIO
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except (OSError, AttributeError) as error:
        return getattr(error, "errno", None) == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
