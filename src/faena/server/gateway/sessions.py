"""Browsers that are signed in, kept for the next server: digests of their cookies, never the values, in a file of 0600.

The file says which folder it was written in: a copy of a workspace, or one that was put back from elsewhere, has
browsers of its own.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import msgspec
from msgspec import Struct

from faena.kernel.clock import Micros
from faena.kernel.durable import write_whole
from faena.workspaces.model import BROWSERS

_LARGEST = 1 << 20


class Session(Struct, frozen=True):
    until: Micros
    own: bool
    """Whether it was begun by a process of the server's own user: then nobody else's may go on with it."""


class Kept(Struct, frozen=True):
    """What the next server needs to be at the same address for the same browsers."""

    place: str
    inode: int
    workspace: str
    port: int
    sessions: dict[str, Session]
    to_programs: bool = False
    """Whether it was opened to programs, which cannot start a server: one is there as long as that is so."""
    to_runs_alone: bool = False
    """Whether nobody but scripts of runs has asked for it: it is of use as long as these go on."""


class KeptSessions:
    """In the folder of one workspace."""

    def __init__(self, folder: Path, workspace: str) -> None:
        self._folder = folder
        self._path = folder / BROWSERS
        self._workspace = workspace

    def read(self, now: Micros) -> Kept | None:
        """What was kept here and has not expired; None where nothing was, or what is there is not to be trusted."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid != os.getuid():
                    return None
                kept = msgspec.json.decode(file.read(_LARGEST), type=Kept)
            if (kept.place, kept.inode, kept.workspace) != self._here():
                return None
        except (OSError, msgspec.DecodeError):
            return None
        return msgspec.structs.replace(
            kept, sessions={digest: each for digest, each in kept.sessions.items() if now < each.until}
        )

    def write(
        self, port: int, sessions: dict[str, Session], *, to_programs: bool, to_runs_alone: bool = False
    ) -> None:
        """Silent where it cannot: then the browsers stay signed in until this server leaves."""
        try:
            place, inode, workspace = self._here()
            kept = Kept(place, inode, workspace, port, sessions, to_programs, to_runs_alone)
            write_whole(self._path, msgspec.json.encode(kept), mode=0o600)
        except OSError as error:
            logging.warning("who is signed in cannot be kept in %s: %s", self._path, error)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _here(self) -> tuple[str, int, str]:
        return str(self._folder), self._folder.stat().st_ino, self._workspace
