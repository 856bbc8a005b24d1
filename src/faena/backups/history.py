"""The backups that were made of a workspace: remembered in its folder, for the day when it is damaged. Kernel only."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from msgspec import Struct
from msgspec.structs import asdict

from faena.backups.model import RECORD
from faena.kernel.clock import Micros
from faena.kernel.durable import write_atomically

_PLACE = "backups.json"
_MOST = 10


class KnownBackup(Struct, frozen=True):
    folder: str
    """Absolute."""
    at: Micros
    """When the latest one was made there."""
    objects: int
    size: int
    """Bytes of all objects."""
    workspace: str = ""
    """The id of the workspace that it is of; empty where an older Faena wrote it down."""

    @property
    def time(self) -> str:
        return shown_time(self.at)


def shown_time(at: Micros) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")


def remember(workspace: Path, made: KnownBackup) -> None:
    """`workspace`: the `.faena` folder. Raises OSError."""
    others = [each for each in _read(workspace) if each.folder != made.folder]
    kept = [asdict(each) for each in (*others, made)][-_MOST:]
    write_atomically(workspace / _PLACE, (json.dumps(kept, indent=2) + "\n").encode())


def take_over(workspace: Path, earlier: Path) -> None:
    """Have a workspace remember what another one does, whose place it takes. Both are `.faena` folders."""
    for each in _read(earlier):
        remember(workspace, each)


def known(workspace: Path) -> list[KnownBackup]:
    """Those that are where they were, the newest first."""
    there = [each for each in _read(workspace) if _is_there(Path(each.folder))]
    return sorted(there, key=lambda each: -each.at)


def advice(workspace: Path) -> str:
    """What to do about a database that is lost or damaged: a command where a backup is known."""
    parent = quote(str(workspace.parent))
    found = known(workspace)
    mine = _id(workspace)
    if found and mine and found[0].workspace not in ("", mine):
        return (
            f"No backup was made of it. It is a copy: the backup of {found[0].time} is of the workspace that it was "
            "copied from, and brings that one into a folder of its own: "
            f"`faena restore {quote(found[0].folder)} FOLDER`."
        )
    if found:
        command = f"faena restore --replace {quote(found[0].folder)} {parent}"
        return f"The backup of {found[0].time} brings the workspace back: `{command}`; what is there now is kept aside."
    gone = _read(workspace)
    where = f" The last one was made in {gone[-1].folder}, which is not there now." if gone else ""
    return (
        f"Restore a backup: `faena restore --replace BACKUP {parent}`; what is there now is kept aside.{where} Where "
        "there is none, bring back the file, or move the folder .faena away and begin anew with `faena init`."
    )


def _is_there(folder: Path) -> bool:
    try:
        return (folder / RECORD).is_file()
    except OSError:
        return False


def _id(workspace: Path) -> str:
    """Empty where its record cannot be read."""
    try:
        return str(json.loads((workspace / "workspace.json").read_bytes())["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _read(workspace: Path) -> list[KnownBackup]:
    try:
        found = json.loads((workspace / _PLACE).read_bytes())
        return [
            KnownBackup(
                str(each["folder"]),
                int(each["at"]),
                int(each["objects"]),
                int(each["size"]),
                str(each.get("workspace", "")),
            )
            for each in found
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
