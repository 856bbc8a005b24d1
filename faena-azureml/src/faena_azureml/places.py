"""Which folder a workspace's name stands for: v1 knows names only."""

from __future__ import annotations

import os
from pathlib import Path

from faena.kernel import settings
from faena.kernel.errors import WorkspaceException
from faena.script.messages import tell
from faena.workspaces import listing
from faena.workspaces.model import WorkspaceFolder, create_folder, open_folder, refuse_foreign


def find(name: str, parent: Path | None = None) -> WorkspaceFolder | None:
    """The workspace of that name: this run's, the one in `parent` (default: here), or among this user's; or None.

    Raises WorkspaceException when the user has more than one of that name, none of them here.
    """
    here = (parent or Path.cwd()) / settings.WORKSPACE_FOLDER
    refuse_foreign(here)
    for near in (of_this_run(), _opened(here)):
        if near is not None and near.name == name:
            return near
    if not any(folder.name == name for folder in listing.list_folders()):
        return None
    return listing.find(name)


def make(name: str, parent: Path | None = None, *, show_output: bool = True) -> WorkspaceFolder:
    """A new workspace in `parent` (default: here); in the user's state folder where that place is taken.

    A run's working directory goes with the run: there it is the state folder, too.
    """
    places = [settings.home() / "workspaces" / name]
    if of_this_run() is None:
        places.insert(0, parent or Path.cwd())
    taken: WorkspaceException | None = None
    for place in places:
        try:
            made = create_folder(place, name)
        except WorkspaceException as error:
            there = _opened(place / settings.WORKSPACE_FOLDER)
            if there is not None and there.name == name:  # somebody else was faster
                made = there
            else:
                taken = error
                continue
        listing.remember(made)
        if show_output:
            tell(f"faena: made the workspace {name!r} in {place}")
        return made
    assert taken is not None
    raise taken


def of_this_run() -> WorkspaceFolder | None:
    """The workspace of the run that this process belongs to; None outside a run."""
    folder = os.environ.get("FAENA_WORKSPACE_FOLDER")
    return _opened(Path(folder)) if folder else None


def _opened(path: Path) -> WorkspaceFolder | None:
    try:
        return open_folder(path)
    except WorkspaceException:
        return None
