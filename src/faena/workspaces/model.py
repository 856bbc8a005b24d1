"""A workspace is a folder; an experiment is a name that groups runs."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from faena.kernel import ids, ownership, settings
from faena.kernel.durable import write_once
from faena.kernel.errors import WorkspaceException
from faena.workspaces.signs_of_use import traces

FORMAT = 1
RECORD = "workspace.json"
BROWSERS = "browsers.json"
"""Which browsers are signed in, for the next server."""
ASLEEP = "restored.json"
NODES = "nodes"
"""In a workspace that was restored or copied, until its server has read it: what had not ended may go on elsewhere."""


class WorkspaceFolder(Struct, frozen=True):
    """Where a workspace keeps everything: `<parent>/.faena`."""

    path: Path
    id: str
    name: str
    place: str = ""
    """Where it was when it was last opened; empty where an older Faena made it."""
    moved_from: str = ""
    """The place before that: nodes that run since then hold their locks under its name. Empty: never moved."""
    as_of: str = ""
    """The date of environments that name none: an ISO date or `auto`. Empty: packages of today."""

    @property
    def database(self) -> Path:
        return self.path / "faena.db"

    @property
    def read_only_mark(self) -> Path:
        """Where it is there, browsers may look and change nothing: a copy of something that is kept elsewhere."""
        return self.path / "read-only"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def attempts(self) -> Path:
        return self.path / "attempts"

    @property
    def nodes(self) -> Path:
        """What concerns nodes on other machines: the listener's certificate, the key of attempts' tokens."""
        return self.path / NODES

    @property
    def uploads(self) -> Path:
        """Objects that have not come whole yet."""
        return self.path / "uploads"

    @property
    def indexes(self) -> Path:
        """What snapshots read last time, by source folder."""
        return self.path / "indexes"


def open_folder(path: Path) -> WorkspaceFolder:
    """Read the workspace at `path` (the `.faena` folder itself).

    Raises WorkspaceException when it is not one, or a newer Faena made it.
    """
    record_path = path / RECORD
    refuse_foreign(path)
    try:
        record = json.loads(record_path.read_text())
        found = int(record["format"]), str(record["id"]), str(record["name"])
        places = tuple(str(record.get(name, "")) for name in ("place", "moved_from", "as_of"))
    except FileNotFoundError:
        if left := traces(path):
            raise _lost(path, left) from None
        raise WorkspaceException(
            f"There is no workspace at {path}. Make one with `faena init` in {path.parent}."
        ) from None
    except PermissionError:
        raise WorkspaceException(
            f"{record_path} cannot be read by {ownership.user()}, whose it is. Make it readable: chmod -R u+rwX {path}."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceException(
            f"{record_path} cannot be read: {error}. Restore it from a backup."
        ) from error
    if found[0] > FORMAT:
        raise WorkspaceException(
            f"{path} has workspace format {found[0]}; this Faena reads up to {FORMAT}. Install a newer Faena."
        )
    return WorkspaceFolder(path.resolve(), found[1], found[2], *places)


def refuse_foreign(path: Path) -> None:
    """Raises WorkspaceException for a workspace of another user, and for one that this user cannot reach."""
    try:
        owner = ownership.foreign(path)
    except PermissionError:
        closed = ownership.closed_by(path)
        whose = f": {closed[0]} belongs to {ownership.user(closed[1])}" if closed else ""
        raise WorkspaceException(
            f"The workspace {path} cannot be reached by {ownership.user()}{whose}. Work as its owner, or make one of "
            "your own: `faena init` in a folder of yours."
        ) from None
    except OSError:
        return  # what is wrong, reading it tells
    if owner is not None:
        raise WorkspaceException(
            f"The workspace in {path.parent} belongs to {ownership.user(owner)}, and you are {ownership.user()}: only "
            f"its owner works in it. Work as {ownership.how_to_be(owner)}, or make one of your own: `faena init` in a "
            "folder of yours."
        )


def adopt_folder(parent: Path, workspace_id: str, name: str, as_of: str = "") -> WorkspaceFolder:
    """Make `<parent>/.faena`, whose content is there already, the workspace of that id. Raises OSError."""
    path = parent.absolute() / settings.WORKSPACE_FOLDER
    (path / ".gitignore").write_text("*\n")
    _write_record(path, workspace_id, name, as_of)
    return open_folder(path)


def record_of(folder: WorkspaceFolder) -> bytes:
    said = {"format": FORMAT, "id": folder.id, "name": folder.name, "place": folder.place}
    for name in ("moved_from", "as_of"):
        if value := getattr(folder, name):
            said[name] = value
    return (json.dumps(said, indent=2) + "\n").encode()


def _lost(path: Path, found: str) -> WorkspaceException:
    record = path / RECORD
    said = f"The record {record} is missing, and a workspace has lived there, or is being restored: it has {found}."
    if aside := sorted(path.parent.glob(f"{path.name}-before-restore-*")):
        said += (
            f" What was there before a restore that was cut short lies in {aside[0]}: restore again with --replace, or "
            f"remove {path} and give that its name again."
        )
    return WorkspaceException(
        f"{said} Bring the file back, or move {path} away and restore a backup of the workspace."
    )


def _write_record(path: Path, workspace_id: str, name: str, as_of: str = "") -> None:
    place = path.resolve()
    folder = WorkspaceFolder(place, workspace_id, name, str(place), as_of=as_of)
    write_once(path / RECORD, record_of(folder))


def create_folder(parent: Path, name: str) -> WorkspaceFolder:
    """Make `<parent>/.faena`; the record is written last, so a half-made one is simply made again.

    Raises WorkspaceException when there is one already, or was one, or the folder cannot be written.
    """
    ids.check_workspace_name(name)
    path = parent.absolute() / settings.WORKSPACE_FOLDER
    refuse_foreign(path)
    try:
        if not (path / RECORD).exists() and (found := traces(path)):
            raise _lost(path, found)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / ".gitignore").write_text("*\n")
        _write_record(path, ids.new_id("ws"), name)
    except FileExistsError:
        existing = open_folder(path)
        raise WorkspaceException(f"Workspace with name {existing.name!r} already exists at {path}.") from None
    except OSError as error:
        raise WorkspaceException(
            f"The workspace folder {path} cannot be made: {error.strerror}. Choose a folder that you can write to."
        ) from error
    return open_folder(path)
