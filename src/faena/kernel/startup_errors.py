"""How a server that cannot start says why to whoever started it, at once."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from faena.kernel import disk_space
from faena.kernel.errors import FaenaError, ServiceException, StorageFull, WorkspaceException, from_wire

REFUSED = 3
"""Exit code of a server that could not start, and has said why to whoever started it."""
_LONGEST_REASON = 20_000


@dataclass(frozen=True, slots=True)
class ServerStart:
    """A server process on its way, and what it says where it cannot be one."""

    process: subprocess.Popen[bytes]
    log: Path
    _said: int
    """A file in memory: a full disk or a folder that nobody may write does not keep the reason from being told."""

    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.process.poll()

    def reason(self) -> FaenaError:
        """Why it could not start."""
        said = os.pread(self._said, _LONGEST_REASON, 0)
        try:
            found = json.loads(said)
            return from_wire(str(found["code"]), str(found["message"]))
        except (ValueError, KeyError, TypeError):  # it ended before it could say anything
            return ServiceException(
                f"The server of {self.log.parent} cannot start: {self._last_words()[:1000]} Its log is {self.log}."
            )

    def close(self) -> None:
        os.close(self._said)

    def _last_words(self) -> str:
        """The last line of the server's log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
                said = file.read().decode("utf-8", "replace").rstrip().rpartition("\n")[2]
        except OSError:
            said = ""
        return said or f"its process ended with {self.process.returncode}."


def tell_reason(descriptor: int, error: FaenaError) -> None:
    """Say to whoever started this server why it cannot be one."""
    said = json.dumps({"code": error.code, "message": error.message[: _LONGEST_REASON // 8]})
    os.pwrite(descriptor, said.encode(), 0)


def refusal(cause: Exception, folder: Path) -> FaenaError:
    """What keeps the server of a workspace from starting, as an error that says what to do."""
    if isinstance(cause, FaenaError):
        return cause
    if isinstance(cause, OSError):
        return cannot_start(cause, folder)
    return ServiceException(
        f"The server of {folder} cannot start: {type(cause).__name__}: {cause}. `faena doctor` looks at the "
        f"workspace and the installation; the log is {folder / 'server.log'}."
    )


def cannot_start(error: OSError, folder: Path) -> FaenaError:
    """What the system refused when a server was to start."""
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(
            f"The server of {folder} cannot start: the disk is full{place}. {disk_space.room(folder)} Then try again."
        )
    return WorkspaceException(
        f"The server of {folder} cannot start: {error.strerror or error}{place}. Mend that and try again; "
        "`faena doctor` looks at folders, rights and disks."
    )
