"""That a process is one of a folder's shared ones: they share a lock, which one of an earlier Faena has for itself."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from faena.kernel.discovery import names_file
from faena.kernel.errors import WorkspaceException
from faena.server.election import Leadership
from faena.server.taking_over import LOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.server.restart.handed_on import HandedOn


class Membership:
    """Of a process, as long as it lives. Raises WorkspaceException where a server is there for itself alone."""

    def __init__(self, folder: Path, handed_on: int = -1) -> None:
        """`handed_on`: the lock, where an earlier server of this process has left it."""
        self.folder = folder
        self.leadership: Leadership | None = None
        """Once it leads."""
        self._path = folder / LOCK
        self._descriptor = handed_on
        if handed_on < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise WorkspaceException(
                f"A server of the workspace in {folder.parent} begins or ends just now, or is one that is there for "
                f"itself alone ({error.strerror}). Try again, or end that one first."
            ) from error

    def hand_on(self, left: HandedOn) -> HandedOn:
        """`left`, with the lock: nobody starts a server in the background meanwhile. Another process leads."""
        from msgspec.structs import replace

        return replace(left, shared=self._descriptor)

    @property
    def is_last(self) -> bool:
        """Whether no other process of the server is there on this host."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            is_last = False
        else:
            is_last = True
        with suppress(OSError):  # a lock that could not be made another one may be lost
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return is_last

    def lost(self) -> str | None:
        """Why the workspace is not there any more, as a sentence; None while it is."""
        if self.leadership is not None:
            return self.leadership.lost()
        if names_file(self._path, self._descriptor):
            return None
        return f"the workspace was moved or removed from {self.folder.parent}, or its {LOCK} was"

    def give_up(self) -> None:
        if self.leadership is not None:
            self.leadership.give_up()

    def leave(self) -> None:
        if self.leadership is not None:
            self.leadership.leave()


def are_there_others(folder: Path) -> bool:
    """Whether there are shared processes, one of which leads or is about to."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
