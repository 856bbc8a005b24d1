"""What makes a process the server of a workspace: two locks and a socket; and whether it still is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket as sockets
import time
from dataclasses import dataclass
from pathlib import Path

from faena.kernel import settings
from faena.kernel.discovery import Rendezvous, names_file, try_lock
from faena.kernel.errors import WorkspaceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.server.restart.handed_on import HandedOn

LOCK = settings.SERVER_LOCK
_LONGEST_SOCKET = 107
"""Bytes that the kernel takes as the path of a socket."""
_LEAVING = 5.0
"""Seconds that the server of another place, which the workspace was moved from, gets to leave."""
_DYING = 0.5
"""Seconds for one of this place: a process that was killed lets go of its locks one after the other."""
_LOOK = 0.02
_GLANCE = 0.1
"""Seconds in which whoever only looks whether there is a server, and shares its lock meanwhile, has looked."""


@dataclass(slots=True)
class Leadership:
    """Of one server. The lock inside the workspace goes with the folder where that is moved."""

    folder: Path
    socket: Path
    """Not found anew later: a link may lead from the old place of a workspace to another server's."""
    listener: sockets.socket
    _election_file: Path
    _election: int | None
    _inside: int
    shared: int = -1
    """The lock of a shared server, held as long as its process lives; -1: it is none."""
    _why: str | None = None

    @classmethod
    def take(cls, folder: Path, *, by_force: bool = False) -> Leadership | None:
        """None where another process of this host is the server. Raises OSError and WorkspaceException.

        `by_force`: whoever has it is known to serve no more, as one that was stopped: when it wakes, it finds it lost.
        """
        rendezvous = Rendezvous(folder)
        address, election_file = rendezvous.socket, rendezvous.election
        if by_force:
            for lock in (election_file, folder / LOCK):
                lock.unlink(missing_ok=True)
        election = _elected(election_file)
        if election is None:
            return None
        inside = _lock_inside(folder)
        return cls(folder, address, _listen(address), election_file, election, inside)

    @classmethod
    def handed_on(cls, folder: Path, left: HandedOn) -> Leadership:
        """What an earlier server of this process had."""
        rendezvous = Rendezvous(folder)
        listener = sockets.socket(fileno=left.host)
        return cls(
            folder, rendezvous.socket, listener, rendezvous.election, left.election, left.inside, left.shared
        )

    def hand_on(self, left: HandedOn) -> HandedOn:
        """`left`, with all that makes this process the server. The listener may be closed from then on."""
        from msgspec.structs import replace  # few servers do

        if self._election is None:
            return left
        return replace(
            left,
            host=os.dup(self.listener.fileno()),
            election=self._election,
            inside=self._inside,
            shared=self.shared,
        )

    def lost(self) -> str | None:
        """Why the server serves nobody any more, as a sentence; None while it does.

        A few microseconds: asked with each request, so that nobody gets an answer from a workspace that is not there.
        """
        if self._why is None:
            self._why = self._look()
        return self._why

    def _look(self) -> str | None:
        if names_file(self.folder / LOCK, self._inside):
            if self._is_ours and _is_there(self.socket):
                return None
            return f"its lock or socket in {self.socket.parent} was removed"
        try:
            now_at = str(Path(f"/proc/self/fd/{self._inside}").readlink())
        except OSError:
            now_at = ""
        parent = self.folder.parent
        if not now_at.endswith(f"/{LOCK}"):  # "… (deleted)"
            if (self.folder / "workspace.json").exists():
                return f"another workspace is in {parent} now, or its {LOCK} was removed"
            return f"the workspace was removed from {parent}"
        return f"the workspace was moved from {parent} to {Path(now_at).parent.parent}"

    @property
    def is_last(self) -> bool:
        """It is the only one there."""
        return True

    def give_up(self) -> None:
        """Let another process be the server of this path at once. Idempotent."""
        if self._is_ours:
            with contextlib.suppress(OSError):
                self.socket.unlink(missing_ok=True)
                self._election_file.unlink()  # held yet: whoever takes it next makes a file of its own
        if self._election is not None:
            os.close(self._election)
            self._election = None

    @property
    def _is_ours(self) -> bool:
        """Whether nobody else can have been elected: who cleans temporary folders may have removed the lock."""
        return self._election is not None and names_file(self._election_file, self._election)

    def leave(self) -> None:
        """Idempotent. The lock inside goes first: whoever is elected next finds it free."""
        if self._inside >= 0:
            os.close(self._inside)
            self._inside = -1
        self.give_up()


def _is_there(path: Path) -> bool:
    """True also where nobody can say."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _elected(path: Path) -> int | None:
    """A descriptor that holds the lock; None where a server does, which has it for longer than a glance."""
    began = time.monotonic()
    while (descriptor := try_lock(path)) is None and time.monotonic() - began < _GLANCE:
        time.sleep(_LOOK)
    return descriptor


def _lock_inside(folder: Path) -> int:
    """A second lock in the folder itself, for hosts and containers that share it but not the runtime folder.

    Raises WorkspaceException where one of them serves the workspace.
    """
    path = folder / LOCK
    began = time.monotonic()
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _Holder.read(descriptor)
            os.close(descriptor)
            if time.monotonic() - began > (_DYING if holder.stays(folder) else _LEAVING):
                raise WorkspaceException(holder.told(folder)) from None
            time.sleep(_LOOK)
            continue
        except OSError:  # a file system without locks: the runtime folder's lock has to do
            return descriptor
        if names_file(path, descriptor):
            _Holder.sign(descriptor, folder)
            return descriptor
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who holds the lock inside a workspace, as it signed there."""

    host: str = ""
    pid: int = 0
    folder: str = ""
    runtime: str = ""

    @classmethod
    def read(cls, descriptor: int) -> _Holder:
        try:
            said = json.loads(os.pread(descriptor, 20_000, 0))
            return cls(str(said["host"]), int(said["pid"]), str(said["folder"]), str(said["runtime"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()  # an older Faena signs nothing

    @classmethod
    def sign(cls, descriptor: int, folder: Path) -> None:
        said = {
            "host": sockets.gethostname(),
            "pid": os.getpid(),
            "folder": os.path.realpath(folder),
            "runtime": str(settings.runtime_path()),
        }
        with contextlib.suppress(OSError):  # a full disk: the lock counts, not what stands in it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(said).encode(), 0)

    def stays(self, folder: Path) -> bool:
        """Whether it is known to be no server of another place, which would leave by itself."""
        return not self.host or self.folder == os.path.realpath(folder)

    def told(self, folder: Path) -> str:
        if not self.host:
            where = "another host, container or runtime folder (FAENA_RUNTIME)"
            return f"{folder} is served from {where}. Stop that server first, by `faena server stop` there."
        if self.host != sockets.gethostname():
            return (
                f"{folder} is served from the host or container {self.host!r} (process {self.pid}). Work there, or "
                "stop that server first, by `faena server stop` there."
            )
        return (
            f"{folder} is served by process {self.pid}, whose runtime folder is {self.runtime} and not "
            f"{settings.runtime_path()}. Set FAENA_RUNTIME={self.runtime}, or stop that server first: "
            f"FAENA_RUNTIME={self.runtime} faena server stop."
        )


def _listen(path: Path) -> sockets.socket:
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise WorkspaceException(
            f"The runtime folder {path.parent} has too long a path for a socket. Set FAENA_RUNTIME to a shorter one."
        )
    path.unlink(missing_ok=True)
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(512)
    return listener
