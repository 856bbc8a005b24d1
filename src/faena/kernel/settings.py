"""Where Faena keeps things on this machine, and the environment variables that move them.

`FAENA_HOME`     state and caches of this user: environments, sample data, the list of workspaces
                 (default `$XDG_STATE_HOME/faena`, else `~/.local/state/faena`)
`FAENA_RUNTIME`  sockets and locks (default `/tmp/faena-<uid>`: short, and the same for every process
                 of this user, whatever its HOME, its login or the file system of the workspace)
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from faena.kernel import ownership
from faena.kernel.errors import WorkspaceException

WORKSPACE_FOLDER = ".faena"
SERVER_LOCK = "server.lock"
"""In the workspace's folder: its server, whatever its runtime folder, holds the flock on it."""
WIRE_VERSION = 1
WIRE_HEADER = "Faena-Wire"
"""By which a client says which one it speaks."""
UNTOLD_HEADER = "Faena-Untold"
"""Of an answer: percent-encoded, why there is more than it tells."""
SCHEMA_VERSION = 15
"""Of the database: `faena.db.migrations` has a step to each."""


def home_path() -> Path:
    """Where the user's state folder is, or will be made."""
    if given := os.environ.get("FAENA_HOME"):
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "faena"


def runtime_path() -> Path:
    """Where the folder of sockets and locks is, or will be made."""
    return Path(os.environ.get("FAENA_RUNTIME") or f"/tmp/faena-{os.getuid()}").absolute()


def home() -> Path:
    """The user's state folder; made when missing."""
    path = home_path()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(path)
    except OSError as error:
        raise WorkspaceException(
            f"Faena cannot make its state folder {path}: {error.strerror}. "
            "Set FAENA_HOME to a folder that you can write to."
        ) from error
    return path


def _refuse_foreign(path: Path) -> None:
    """What root writes into a user's state folder, that user could not change any more.

    And the programs of runs lie there: nobody else may be able to replace them.
    """
    if (owner := ownership.foreign(path)) is None:
        return
    everybody = path.stat().st_mode & stat.S_IWOTH
    if os.geteuid() != 0 and owner in (0, ownership.unmapped()) and not everybody:
        return
    if everybody and os.geteuid() != 0:
        raise WorkspaceException(
            f"The state folder {path} belongs to {ownership.user(owner)}, and everybody may write there: whoever does "
            "could put other programs in the place of those of your runs. Set FAENA_HOME to a folder of your own; one "
            f"in it will do, such as {path / ownership.user()}."
        )
    raise WorkspaceException(
        f"The state folder {path} belongs to {ownership.user(owner)}, and you are {ownership.user()}. Work as "
        f"{ownership.how_to_be(owner)}, or set FAENA_HOME to a folder of your own."
    )


def runtime() -> Path:
    """The folder of sockets and locks: ours, mode 0700, never a link that somebody else laid."""
    path = runtime_path()
    if (who := ownership.exposed(path)) is not None:
        raise WorkspaceException(
            f"The runtime folder {path} can be replaced by others: {who}. Set FAENA_RUNTIME to a folder in one that "
            "only you and root may change, or that is sticky, as /tmp is."
        )
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise WorkspaceException(
            f"Faena cannot make its runtime folder {path}: {error.strerror}. "
            "Set FAENA_RUNTIME to a folder that you can write to."
        ) from error
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not private or found.st_mode & 0o077:
        raise WorkspaceException(
            f"The runtime folder {path} is not a private folder of this user (mode 0700). "
            f"`chmod 700 {path}` where it is yours; else remove it, or set FAENA_RUNTIME to another one."
        )
    return path
