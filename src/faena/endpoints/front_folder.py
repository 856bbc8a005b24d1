"""The folder of an endpoint on the machine of its front, in the standard library: runners need it, too.

front.lock                    flock: of the front, whose process id is in it
endpoint.json, status.json    see `faena.scoring`
revisions/<number>/app        the working directory of a revision's workers
logs/                         of the front and the workers
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from faena.data import staging
from faena.kernel.discovery import is_held
from faena.kernel.durable import sync_folder
from faena.scoring.files import DESIRED, KEPT_REQUESTS, STATUS
from faena.script.models import keep_aliases

MODELS = "azureml-models"
"""v1's word for where models lie, below the working directory of a scoring script."""
_LONGEST_STATUS = 4 << 20
_MOST_KEPT = 64 << 20
"""Bytes of kept requests that are read at once."""


@dataclass(frozen=True, slots=True)
class StagedModel:
    """A version of a model, with the fields of its files that staging reads."""

    name: str
    version: int
    files: Sequence[Mapping[str, Any]]
    aliases: Sequence[str] = ()
    """That mean it now: its script may ask for it by them."""


@dataclass(frozen=True, slots=True)
class FrontFolder:
    path: Path

    @property
    def lock(self) -> Path:
        """Who holds the flock on it is the front, and its process id is in it."""
        return self.path / "front.lock"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def revision(self, number: int) -> Path:
        return self.path / "revisions" / str(number)

    def app(self, number: int) -> Path:
        """The working directory of a revision's workers."""
        return self.revision(number) / "app"

    @property
    def has_front(self) -> bool:
        return is_held(self.lock)

    def front_pid(self) -> int | None:
        """Of the front that runs now; None while there is none, and before it has said so."""
        if not self.has_front:
            return None
        with suppress(OSError, ValueError):
            return int(self.lock.read_text())
        return None

    def told(self) -> dict[str, Any] | None:
        """What its front said last, as it is; None where it said nothing, or what is there is damaged."""
        with suppress(OSError, ValueError):
            with (self.path / STATUS).open("rb") as file:
                found = json.loads(file.read(_LONGEST_STATUS))
            return found if isinstance(found, dict) else None
        return None

    def told_now(self) -> dict[str, Any] | None:
        """What a front says that lives, or why the last one left that was to be as `endpoint.json` says now."""
        told = self.told()
        if told is None or self.has_front:
            return told
        refused = told.get("state") == "Failed" and told.get("port") is None
        return told if refused and self._is_told_of_now() else None

    def _is_told_of_now(self) -> bool:
        try:
            told, asked = ((self.path / name).stat().st_mtime_ns for name in (STATUS, DESIRED))
        except FileNotFoundError:
            return False
        return told >= asked

    def make(self) -> None:
        """Its owner alone may look into it: scripts and logs are there, and keys."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)  # it may come from a copy
        self.logs.mkdir(exist_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def is_staged(self, number: int) -> bool:
        return self.app(number).is_dir()

    def stage(
        self,
        number: int,
        source: Sequence[Mapping[str, Any]],
        models: Sequence[StagedModel],
        open_object: Callable[[str], IO[bytes]],
    ) -> None:
        """Make a revision's folder: the snapshot, and the models below it as v1 lays them out. Whole or not at all.

        Raises SnapshotException for bytes that are missing or damaged, OSError of the disk.
        """
        made = self.revision(number)
        if made.exists():  # what a killed server left
            shutil.rmtree(made)
        made.mkdir(parents=True)
        half = made / "half"
        staging.materialise(source, open_object, half)
        for model in models:
            target = half / MODELS / model.name / str(model.version)
            if target.exists():  # the source folder has it: what is registered counts
                shutil.rmtree(target)
            staging.materialise(model.files, open_object, target)
        for name in {model.name for model in models}:
            named = {
                alias: model.version for model in models if model.name == name for alias in model.aliases
            }
            keep_aliases(str(half / MODELS / name), named)
        half.rename(self.app(number))
        sync_folder(made)

    def unstage(self, number: int) -> None:
        shutil.rmtree(self.revision(number), ignore_errors=True)

    def log_text(self, number: int, most: int) -> str:
        """The last of what the front and the workers of a revision wrote, `most` bytes of each log at most."""
        parts = []
        for path in sorted(self.logs.glob(f"{number}-*.log")):
            with suppress(OSError):
                parts.append(_last(path, most))
        return "".join(parts)

    def front_log(self, most: int) -> str:
        """The last of what its front wrote, so many bytes at most."""
        with suppress(OSError):
            return _last(self.logs / "front.log", most)
        return ""

    def kept_requests(self) -> Iterator[bytes]:
        """Records of requests that were kept, the newest first. A file that was torn may give one that is none."""
        room = _MOST_KEPT
        for path in sorted((self.path / KEPT_REQUESTS).glob("*.jsonl"), reverse=True):
            if room <= 0:
                return
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # the oldest go
                continue
            for line in reversed(data[: data.rfind(b"\n") + 1].splitlines()):
                room -= len(line)
                if room <= 0:
                    return
                yield line


def model_directory(app: Path, models: Sequence[StagedModel]) -> str:
    """AZUREML_MODEL_DIR: the version's folder of the only model, the folder of all where there are more, as in v1."""
    if len(models) != 1:
        return str(app / MODELS)
    return str(app / MODELS / models[0].name / str(models[0].version))


def _last(path: Path, most: int) -> str:
    """The end of a text file, whole lines of it."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most))
        data = file.read()
    if size > most:
        data = data[data.find(b"\n") + 1 :]
    return data.decode("utf-8", "replace")
