"""What processes that died left behind: sockets, lock files, temporary files. `fix` removes what nobody can need."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from faena.health.finding import Finding, ok, size, warning
from faena.health.subject import Subject
from faena.kernel import settings
from faena.kernel.discovery import is_held
from faena.kernel.leftovers import SETTLING, is_meeting, is_refused

FORGOTTEN = 3600.0
"""Seconds after which a temporary file is nobody's: they live for as long as one file is written."""
INCOMING = "incoming"
"""Where objects lie until they are whole."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}|\.faena-doctor-\w+|before-schema-\d+\.part")
_FIX = "faena doctor --fix"


def serves(subject: Subject) -> bool:
    """Whether a server of the workspace lives, on this host or, by the lock inside the folder, on another one."""
    if subject.folder is None or subject.election is None:
        return False
    return is_held(subject.election) or is_held(subject.folder / settings.SERVER_LOCK)


def check_sockets(subject: Subject) -> Iterator[Finding]:
    found = stale_sockets(subject)
    if not found:
        yield ok("sockets", "none is stale")
        return
    used_again = [path for path in found if path.stem.isdigit() and Path(f"/proc/{path.stem}").exists()]
    more = f"; process id {used_again[0].stem} is another program's now" if used_again else ""
    yield warning("sockets", f"{_some(found)}: nobody listens{more}", _FIX)


def check_locks(subject: Subject) -> Iterator[Finding]:
    found = stale_locks(subject)
    if found:
        yield warning("lock files", f"{_some(found)}: nobody holds them", _FIX)
    else:
        yield ok("lock files", "none is left over")


def check_temporary_files(subject: Subject) -> Iterator[Finding]:
    found = forgotten_files(subject)
    if found:
        taken = sum(path.lstat().st_size for path in found)
        yield warning("temporary files", f"{_some(found)}, {size(taken)}: nobody writes them", _FIX)
    else:
        yield ok("temporary files", "none is forgotten")


def stale_sockets(subject: Subject) -> list[Path]:
    """Sockets of servers and nodes, of all workspaces of this user, at which nobody listens."""
    found = [path for path in _entries(subject.runtime) if path.suffix == ".sock" and is_meeting(path.stem)]
    stale = [path for path in found if not is_held(path.with_suffix(".lock")) and is_refused(path)]
    below = [path for folder in _meetings(subject) for path in _entries(folder) if path.suffix == ".sock"]
    return stale + [path for path in below if _age(path) > SETTLING and is_refused(path)]


def stale_locks(subject: Subject) -> list[Path]:
    """Lock files of nodes that are gone, in workspaces that have no server now: a server removes them itself.

    Never the file by which servers are elected: two processes must not hold two files of one name.
    """
    served = [folder for folder in _meetings(subject) if is_held(folder.with_suffix(".lock"))]
    idle = [folder for folder in _meetings(subject) if folder not in served]
    locks = [path for folder in idle for path in _entries(folder) if path.suffix == ".lock"]
    return [path for path in locks if not is_held(path)]


def forgotten_files(subject: Subject) -> list[Path]:
    """Temporary files that whoever wrote them never came back to."""
    folders = [subject.home, subject.home / "envs", subject.home / "locks", subject.runtime]
    if subject.folder is not None:
        folders.append(subject.folder)
    found = [path for folder in folders for path in _entries(folder) if _TEMPORARY.fullmatch(path.name)]
    if subject.folder is not None and not serves(subject):
        found += _entries(subject.folder / "objects" / INCOMING)
    return [path for path in found if path.is_file() and _age(path) > FORGOTTEN]


def _meetings(subject: Subject) -> list[Path]:
    """The folders in which the nodes of each workspace have their locks."""
    return [path for path in _entries(subject.runtime) if is_meeting(path.name) and path.is_dir()]


def _age(path: Path) -> float:
    """Seconds since the file was written; 0 when it is gone."""
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder))
    except OSError:
        return []


def _some(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{len(paths)}, such as {paths[0]}"
