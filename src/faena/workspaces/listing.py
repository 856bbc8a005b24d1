"""The user's list of workspace folders, so that a workspace can be had by its name from anywhere."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.kernel import settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import WorkspaceException
from faena.workspaces.model import WorkspaceFolder, open_folder


def remember(folder: WorkspaceFolder) -> None:
    """Add a folder to the list. Idempotent."""
    with _locked() as path:
        listed = _read(path)
        if str(folder.path) not in listed.get(folder.name, []):
            listed.setdefault(folder.name, []).append(str(folder.path))
            write_atomically(path, (json.dumps(listed, indent=2) + "\n").encode())


def find(name: str) -> WorkspaceFolder:
    """The workspace of that name. Raises WorkspaceException when there is none, or more than one."""
    found = [folder for folder in list_folders() if folder.name == name]
    if not found:
        known = ", ".join(sorted({folder.name for folder in list_folders()})) or "none"
        raise WorkspaceException(
            f"There is no workspace {name[:80]!r}. Known here: {known}. Make one with `faena init`."
        )
    if len(found) > 1:
        places = ", ".join(str(folder.path.parent) for folder in found)
        raise WorkspaceException(
            f"{len(found)} workspaces are called {name!r}: {places}. Open one by its folder."
        )
    return found[0]


def list_folders() -> list[WorkspaceFolder]:
    """Workspaces that still are where they were, by name."""
    found = []
    for paths in _read(_path()).values():
        for path in paths:
            try:
                found.append(open_folder(Path(path)))
            except WorkspaceException:
                continue  # it was moved or removed since
    return sorted(found, key=lambda folder: (folder.name, folder.path))


def _path() -> Path:
    return settings.home() / "workspaces.json"


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _locked() -> Iterator[Path]:
    path = _path()
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
