"""How the processes of one host find a workspace's server, elect it and start it.

The socket and the lock lie in the runtime folder under a name made from the workspace folder's real path, so that
they work where the workspace itself is on a network file system or has a long path.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket as sockets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faena.kernel import settings
from faena.kernel.startup_errors import ServerStart, cannot_start

NODES_LOG = "nodes.log"
"""What runners, adopters and followers say, in the workspace's folder."""
_LONGEST_LOCK = 84
"""Bytes of a name that a lock file has as it is; what stands for a longer one is longer than this."""


def meeting_name(folder: Path) -> str:
    """What the files of a workspace's server are called in the runtime folder; `folder`: the `.faena` folder."""
    return hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]


def lock_name(name: str) -> str:
    """What the lock file of a node, or of what else is kept alive, is called: no two names share one."""
    if len(os.fsencode(name)) <= _LONGEST_LOCK:
        return f"{name}.lock"
    return f"{name[-20:]}~{hashlib.sha256(os.fsencode(name)).hexdigest()}.lock"


@dataclass(frozen=True, slots=True)
class Rendezvous:
    """Where the server of one workspace folder is met on this host."""

    folder: Path
    """The `.faena` folder."""

    @property
    def _base(self) -> Path:
        return settings.runtime() / meeting_name(self.folder)

    @property
    def socket(self) -> Path:
        return self._base.with_suffix(".sock")

    @property
    def election(self) -> Path:
        """Whoever holds the flock on this file is the server."""
        return self._base.with_suffix(".lock")

    def lock_of(self, name: str) -> Path:
        """The lock file of a node, or of what else is kept alive under a name."""
        return self.nodes / lock_name(name)

    @property
    def nodes(self) -> Path:
        """Lock files of the nodes and sockets for their scripts."""
        self._base.mkdir(mode=0o700, exist_ok=True)
        return self._base

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def connect(self, timeout: float | None = None) -> sockets.socket:
        """A connection to the server. Raises OSError when none listens."""
        connection = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(str(self.socket))
        except BaseException:
            connection.close()
            raise
        return connection

    def start_server(self) -> ServerStart:
        """Start a server process that outlives the caller; it leaves at once when another one is elected.

        Raises WorkspaceException, or StorageFull, where no process can be started.
        """
        said = os.memfd_create("faena-start")
        try:
            process = start_module(
                "faena.server", [str(self.folder), str(said)], log=self.log, pass_fds=(said,)
            )
        except OSError as error:
            os.close(said)
            raise cannot_start(error, self.folder) from error
        return ServerStart(process, self.log, said)


def _say_nothing(*_: object, **__: object) -> None:
    pass


class _Outliving(subprocess.Popen[bytes]):
    """A process that is meant to outlive us: nobody is warned that it runs when this is dropped, or when we end."""

    def __del__(self, *, _silent: Callable[..., None] = _say_nothing) -> None:  # globals may be gone by then
        super().__del__(_warn=_silent)  # type: ignore[call-arg]  # by it Python finds its warning as late


def start_module(
    module: str,
    arguments: list[str],
    *,
    log: Path,
    pass_fds: tuple[int, ...] = (),
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start one of Faena's own processes, which outlives the caller; its output is appended to `log`.

    A run's script has the interpreter of its host in FAENA_PYTHON: its own may lack what a server needs.
    """
    with log.open("ab") as output:
        return _Outliving(
            [os.environ.get("FAENA_PYTHON") or sys.executable, "-P", "-m", module, *arguments],
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            pass_fds=pass_fds,
            env=child_environment(),
        )


def child_environment() -> dict[str, str]:
    """The environment for Faena's own processes: bytecode is kept, so that the next start is fast."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    here = str(Path(__file__).resolve().parents[2])
    if here in sys.path and not here.endswith("-packages"):  # run from a source folder that is not installed
        kept["PYTHONPATH"] = here
    return kept


def names_file(path: Path, descriptor: int) -> bool:
    """Whether `path` still names the file that is open, so that it was neither moved nor removed nor replaced.

    True also where nobody can say, as while a network file system is away.
    """
    try:
        there, held = path.stat(), os.fstat(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def try_lock(path: Path) -> int | None:
    """Take the flock on `path` (made when missing); a file descriptor that holds it, or None when it is held."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if names_file(path, descriptor):  # else whoever had it removed it meanwhile
            return descriptor
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the flock on `path`, for itself alone. No file is made.

    The look shares, so that two who look do not take each other for a holder; who takes the lock may meet it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
