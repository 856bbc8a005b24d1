"""Which files were renamed into place below a folder: the kernel says so (inotify), and no look at them would tell."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import stat
import struct
import sys

_CREATE, _DELETE, _MOVED_FROM, _MOVED_TO, _CLOSE_WRITE = 0x100, 0x200, 0x40, 0x80, 0x8
_OF_CONCERN = _CREATE | _DELETE | _MOVED_FROM | _MOVED_TO | _CLOSE_WRITE
_ONLY_FOLDERS, _NO_LINKS = 0x01000000, 0x02000000
_OVERFLOW, _GONE = 0x4000, 0x8000
_HEAD = struct.Struct("iIII")
_MOST_FOLDERS = 1000
_MOST_MOVED = 20_000
"""Files that are remembered: of those before, some may have to lie still for a while until they count as whole."""

_libc = ctypes.CDLL(None, use_errno=True)

Stamp = tuple[int, int, int]
"""Inode, size and time of the last write of a file."""


def stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


class MovedFiles:
    """Where the kernel cannot say it, no file was moved, and something may always have happened."""

    def __init__(self) -> None:
        self._moved: dict[Stamp, None] = {}
        self._folders: dict[int, str] = {}
        self._watched: set[str] = set()
        self._descriptor = -1
        if sys.platform == "linux":
            self._descriptor = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._woken, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    @property
    def descriptor(self) -> int:
        """Can be read when something has happened; below 0 where nobody says so."""
        return self._descriptor

    @property
    def are_told(self) -> bool:
        return self._descriptor >= 0

    def __contains__(self, found: Stamp) -> bool:
        return found in self._moved

    def watch(self, folder: str) -> None:
        """Silent where it cannot be watched."""
        if not self.are_told or folder in self._watched or len(self._watched) >= _MOST_FOLDERS:
            return
        mask = _OF_CONCERN | _ONLY_FOLDERS | _NO_LINKS
        number = _libc.inotify_add_watch(self._descriptor, os.fsencode(folder), mask)
        if number >= 0:
            self._watched.discard(self._folders.get(number, ""))  # it was renamed
            self._folders[number] = folder
            self._watched.add(folder)

    def wake(self) -> None:
        """Cut short whoever waits, from another thread."""
        os.write(self._waker, b"w")

    def wait(self, seconds: float) -> bool:
        """Whether something may have happened within that time."""
        poll = select.poll()
        for descriptor in (self._woken, self._descriptor):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        poll.poll(seconds * 1000)
        return self.read()

    def read(self) -> bool:
        """What has happened since; whether anything has."""
        happened = False
        while self.are_told:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return happened
            happened = True
            self._hear(data)
        return True

    def _hear(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            number, mask, _, length = _HEAD.unpack_from(data, at)
            name = data[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
            at += _HEAD.size + length
            if mask & _OVERFLOW or number not in self._folders:
                continue
            folder = self._folders[number]
            path = f"{folder}/{os.fsdecode(name)}"
            if mask & _MOVED_TO:
                self._take(path)
            elif mask & _CLOSE_WRITE:
                self._forget(path)
            elif mask & _GONE:
                self._watched.discard(folder)
                del self._folders[number]

    def _take(self, path: str) -> None:
        try:
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                for entry in os.scandir(path):
                    if len(self._moved) < _MOST_MOVED:
                        self._take(entry.path)
            elif stat.S_ISREG(status.st_mode):
                while len(self._moved) >= _MOST_MOVED:
                    del self._moved[next(iter(self._moved))]
                self._moved[stamp(status)] = None
        except OSError:
            return  # it has gone on, or is gone

    def _forget(self, path: str) -> None:
        """It was open when it was moved: whether it was whole then is not known."""
        with contextlib.suppress(OSError):
            self._moved.pop(stamp(os.lstat(path)), None)

    def close(self) -> None:
        for descriptor in (self._descriptor, self._woken, self._waker):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._woken = self._waker = -1
