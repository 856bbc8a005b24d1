"""The user's list of workspace folders, so that a workspace can be had by its name from anywhere."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faena.kernel import settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import WorkspaceException
from faena.workspaces.model import WorkspaceFolder, open_folder


def remember(folder: WorkspaceFolder) -> None:
    """Add a folder to the list, under the name that it has now. Idempotent.

    Raises OSError, or WorkspaceException where the user's state folder cannot be made.
    """
    if str(folder.path) in _read().get(folder.name, []):
        return
    with _locked() as path:
        listed = _read()
        for name in list(listed):  # it had another name
            listed[name] = [place for place in listed[name] if place != str(folder.path)]
            if not listed[name]:
                del listed[name]
        listed.setdefault(folder.name, []).append(str(folder.path))
        write_atomically(path, (json.dumps(listed, indent=2) + "\n").encode(), mode=0o600)


def learn(folder: WorkspaceFolder) -> None:
    """The same where somebody opens a workspace: one that was moved, or was copied here, is found by its name again.

    Silent where the list cannot be written: that is no reason not to open it.
    """
    with suppress(OSError, WorkspaceException):
        remember(folder)


def find(name: str) -> WorkspaceFolder:
    """The workspace of that name; of several, the one in the current folder or above it.

    Raises WorkspaceException when there is none, or more than one of which none is near.
    """
    found = [folder for folder in list_folders() if folder.name == name]
    if not found:
        known = ", ".join(sorted({folder.name for folder in list_folders()})) or "none"
        raise WorkspaceException(
            f"There is no workspace {name[:80]!r}. {_lost(name)}Known here: {known}. Make one with `faena init`."
        )
    if len(found) == 1:
        return found[0]
    if near := nearest(found):
        return near
    places = ", ".join(str(folder.path.parent) for folder in found)
    raise WorkspaceException(
        f"{len(found)} workspaces are called {name!r}: {places}. Open one by its folder, as "
        f"Workspace({str(found[0].path.parent)!r}), or give one another name: `faena rename`, in its folder."
    )


def nearest(found: list[WorkspaceFolder], start: Path | None = None) -> WorkspaceFolder | None:
    """The one in `start` (default: the current folder), or in the nearest folder above it."""
    try:
        here = (start or Path.cwd()).resolve()
    except OSError:  # the current folder was removed
        return None
    places = {folder.path.parent: folder for folder in found}
    return next((places[folder] for folder in (here, *here.parents) if folder in places), None)


def list_folders() -> list[WorkspaceFolder]:
    """Workspaces that still are where they were, by name."""
    found: dict[Path, WorkspaceFolder] = {}
    for paths in _read().values():
        for path in paths:
            try:
                opened = open_folder(Path(path))
            except WorkspaceException:
                continue  # it was moved or removed since
            found[opened.path] = opened
    return sorted(found.values(), key=lambda folder: (folder.name, folder.path))


def _lost(name: str) -> str:
    """Where it was when it was last opened."""
    places = [str(Path(path).parent) for path in _read().get(name, [])]
    if not places:
        return ""
    return (
        f"It was in {', '.join(places[:3])} and is not there now: where it was moved, any command given in its new "
        "place makes it known again. "
    )


def _path() -> Path:
    return settings.home() / "workspaces.json"


def _read() -> dict[str, list[str]]:
    """Makes no folder."""
    try:
        found = json.loads((settings.home_path() / "workspaces.json").read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(name): [path for path in paths if isinstance(path, str) and os.path.isabs(path)]  # noqa: PTH117  it is text
        for name, paths in found.items()
        if isinstance(paths, list)
    }


@contextmanager
def _locked() -> Iterator[Path]:
    path = _path()
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
