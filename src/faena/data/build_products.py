"""Folders that belong to no source, by what lies in them or what they are called."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from pathlib import Path

from faena.script.models import CACHE

BACKUP_MARK = ".faena-backup"
"""In a backup: the id of the workspace that it is of."""
EXPORT_MANIFEST, EXPORT_RECORD = "manifest.json", "run.json"
EXPORT_FORMAT = "faena.run"
"""What the manifest of an exported run says first."""

_OWN = "runs get their own"
_BY_NAME = {
    CACHE: "holds models that were brought from a workspace and is left out; runs get them by Model.get_model_path.",
    "node_modules": "holds packages of Node.js and is left out.",
}
_FORMAT = re.compile(rf'"format":\s*"{re.escape(EXPORT_FORMAT)}"'.encode())
_SAID = 200
"""Bytes of a manifest that are looked at."""


def left_out(place: str, path: str, names: Container[str]) -> str | None:
    """Why a folder with these names is no part of a source, as the words that follow its name."""
    for name in (os.path.basename(place), os.path.basename(path.rstrip("/"))):  # noqa: PTH119  the walk has strings
        if name in _BY_NAME:
            return _BY_NAME[name]
    if "pyvenv.cfg" in names:
        return f"is a virtual environment and is left out; {_OWN}."
    if "conda-meta" in names:
        return f"is a conda environment and is left out; {_OWN}."
    if BACKUP_MARK in names:
        return "is a backup of a workspace and is left out."
    if EXPORT_RECORD in names and EXPORT_MANIFEST in names and _is_export(Path(place, EXPORT_MANIFEST)):
        return "is an exported run and is left out."
    return None


def _is_export(manifest: Path) -> bool:
    try:
        if not manifest.is_file():
            return False
        with manifest.open("rb") as file:
            return _FORMAT.search(file.read(_SAID)) is not None
    except OSError:
        return False
