"""What is examined: the folders of a workspace and of this user, which need not be there."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faena.kernel import ownership, settings
from faena.kernel.clock import Micros
from faena.kernel.discovery import meeting_name
from faena.workspaces import listing

SAMPLE = 64
"""Objects whose bytes are read again, unless told otherwise."""
_CONFIGS = (".azureml/config.json", "aml_config/config.json", "config.json")


@dataclass(frozen=True, slots=True)
class Subject:
    """Paths are computed, not made: looking at them changes nothing."""

    folder: Path | None
    """The `.faena` folder; None where there is no workspace around."""
    home: Path = field(default_factory=settings.home_path)
    runtime: Path = field(default_factory=settings.runtime_path)
    deep: bool = False
    """Read every object again, and check the whole database however long that takes."""
    sample: int = SAMPLE
    now: Micros = field(default_factory=lambda: time.time_ns() // 1000)

    @property
    def visible(self) -> Subject:
        """Without a workspace of another user's, or one that this user may not look into."""
        if self.folder is None:
            return self
        try:
            is_ours = ownership.foreign(self.folder) is None
        except OSError:
            is_ours = False
        return self if is_ours and os.access(self.folder, os.R_OK | os.X_OK) else replace(self, folder=None)

    @property
    def places(self) -> dict[str, Path]:
        """The folders that Faena writes to, by what they are for."""
        found = {"state": self.home, "runtime": self.runtime}
        return {"workspace": self.folder, **found} if self.folder else found

    @property
    def database(self) -> Path | None:
        return self.folder / "faena.db" if self.folder else None

    @property
    def election(self) -> Path | None:
        """Whoever holds the flock on this file is the workspace's server."""
        return self.runtime / f"{meeting_name(self.folder)}.lock" if self.folder else None


def find_folder(start: Path) -> Path | None:
    """The `.faena` folder that commands given in `start` would use; nothing is made where there is none."""
    start = start.expanduser().absolute()
    if start.name == settings.WORKSPACE_FOLDER:
        return start
    for folder in (start, *start.parents):
        for config in (folder / name for name in _CONFIGS):
            if (said := _object(config)) is not None:
                return _named(config, said)
        if _is_there(folder / settings.WORKSPACE_FOLDER):
            return folder / settings.WORKSPACE_FOLDER
    return None


@contextmanager
def probe(folder: Path) -> Iterator[Any]:
    """A file of a few bytes in `folder`, gone again at the end. Raises OSError where none can be written."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".faena-doctor-") as file:
        file.write(b"faena")
        file.flush()
        os.fsync(file.fileno())
        yield file


def nearest(path: Path) -> Path:
    """The path itself, or the lowest folder above it that is there."""
    while not _is_there(path) and path != path.parent:
        path = path.parent
    return path


def _named(config: Path, said: dict[str, Any]) -> Path | None:
    if isinstance(given := said.get("workspace_folder"), str):
        return (config.parent / given).resolve() / settings.WORKSPACE_FOLDER
    known = [each for each in listing.list_folders() if each.name == str(said.get("workspace_name"))]
    if near := listing.nearest(known, config.parent):
        return near.path
    return known[0].path if len(known) == 1 else None


def _object(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True
