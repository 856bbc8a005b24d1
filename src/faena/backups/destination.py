"""Which folder may hold the backups of a workspace."""

from __future__ import annotations

from pathlib import Path

from faena.backups.model import MARK
from faena.kernel.errors import UserErrorException
from faena.workspaces.model import WorkspaceFolder


def check_target(folder: Path, workspace: WorkspaceFolder) -> None:
    """Raises UserErrorException for a folder that cannot hold backups of this workspace."""
    shown = str(folder)[:300]
    if "\0" in shown or not folder.is_absolute():
        raise UserErrorException(f"{shown!r} is not an absolute path. Give the folder of the backup.")
    try:
        target = folder.resolve()
        owner = _owner(target)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        said = getattr(error, "strerror", None) or error
        raise UserErrorException(f"{shown} cannot hold a backup: {said}.") from error
    if target.is_relative_to(workspace.path.resolve()):
        raise UserErrorException(
            f"{shown} lies in the workspace itself. A backup belongs elsewhere, at best on another disk."
        )
    if owner == "":
        raise UserErrorException(
            f"{shown} is not empty and holds no backup. Give an empty folder, or a new one."
        )
    if owner not in (None, workspace.id):
        raise UserErrorException(
            f"{shown} holds backups of another workspace ({owner[:80]}). Give each workspace a folder of its own."
        )


def _owner(target: Path) -> str | None:
    """The id of a workspace; empty where the folder holds something else, None where it holds nothing."""
    if not target.exists():
        return None
    # The mark comes first, under another name until it is whole.
    if all(each.name.startswith(f".{MARK}.") for each in target.iterdir()):
        return None
    mark = target / MARK
    return mark.read_text(errors="replace").strip() if mark.is_file() else ""
