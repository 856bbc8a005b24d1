"""What shows that a workspace has lived: a database that is missing or empty there was lost, and is not a new one."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDERS = ("objects", "attempts", "datastores", "builds")
_FILES = ("commits-of-faena.db", "backups.json", "tidied")


def traces(folder: Path) -> str:
    """What there is in a `.faena` folder that only a server has made; empty where none was ever there.

    Raises OSError for a folder that cannot be read.
    """
    if not folder.is_dir():
        return ""
    found = [f"{name}/" for name in _FOLDERS if _holds_a_file(folder / name)]
    found += [name for name in _FILES if (folder / name).exists()]
    found += sorted(path.name for path in folder.glob("before-schema-*.db"))
    if not _size(folder / "faena.db") and _size(folder / "faena.db-wal"):
        found.append("faena.db-wal")
    return ", ".join(found)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _holds_a_file(folder: Path) -> bool:
    return any(files for _, _, files in os.walk(folder))
