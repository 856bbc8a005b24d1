"""The folder of an endpoint, `.faena/endpoints/<name>`: what its front is told and says, what its workers run in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from faena.data import staging
from faena.endpoints.schemas import KeysView
from faena.kernel.discovery import is_held
from faena.kernel.durable import sync_folder, write_atomically, write_once
from faena.kernel.errors import ServiceException, WebserviceException
from faena.scoring import desired
from faena.scoring import status as front
from faena.scoring.status import State, Status
from faena.script.models import keep_aliases

FOLDER = "endpoints"
MODELS = "azureml-models"
"""v1's word for where models lie, below the working directory of a scoring script."""
_KEY_BYTES = 24
_OWNER_ALONE = 0o600


@dataclass(frozen=True, slots=True)
class StagedModel:
    """A version of a model, with the fields of its files that staging reads."""

    name: str
    version: int
    files: Sequence[Mapping[str, Any]]
    aliases: Sequence[str] = ()
    """That mean it now: its script may ask for it by them."""


@dataclass(frozen=True, slots=True)
class EndpointFolder:
    path: Path

    @classmethod
    def of(cls, workspace: Path, name: str) -> EndpointFolder:
        return cls(workspace / FOLDER / name)

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

    def status(self) -> Status | None:
        """What its front said last, whether or not it still runs."""
        return front.read(self.path)

    def said(self) -> Status | None:
        """What a front says that lives, or why the last one left that was to be as `endpoint.json` says now."""
        said = self.status()
        if said is None or self.has_front:
            return said
        refused = said.state == State.FAILED and said.port is None
        return said if refused and self._is_newer(front.FILE, desired.FILE) else None

    def _is_newer(self, name: str, than: str) -> bool:
        try:
            return (self.path / name).stat().st_mtime_ns >= (self.path / than).stat().st_mtime_ns
        except FileNotFoundError:
            return False

    def make(self) -> None:
        """Its owner alone may look into it: scripts and logs are there, and keys."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)  # it may come from a copy
        self.logs.mkdir(exist_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def _keys(self) -> Path:
        return self.path / "keys.json"

    def keys(self) -> KeysView:
        """The two keys, made where there are none yet. Those that a front knows take the place of a damaged file.

        Raises ServiceException where it knows none, OSError.
        """
        try:
            found = msgspec.json.decode(self._keys.read_bytes(), type=KeysView)
            if found.primary and found.secondary:
                return found
            why = "a key is empty"
        except FileNotFoundError:
            with suppress(FileExistsError):  # whoever asks at the same time gets the same ones
                write_once(
                    self._keys, msgspec.json.encode(KeysView(_new_key(), _new_key())), mode=_OWNER_ALONE
                )
            return self.keys()
        except msgspec.DecodeError as error:
            why = str(error)
        known = self._known_keys()
        if known is None:
            raise ServiceException(
                f"{self._keys} is damaged: {why}. Remove it, and the endpoint gets new keys."
            )
        self._keep(known)
        return known

    def _known_keys(self) -> KeysView | None:
        """Those that its front was told of last."""
        with suppress(OSError, WebserviceException):
            keys = desired.read(self.path).keys
            if keys is not None and len(keys) == 2:
                return KeysView(*keys)
        return None

    def change_key(self, which: str) -> KeysView:
        """Put a new key in the place of one of the two; the other one goes on opening the door."""
        changed = msgspec.structs.replace(self.keys(), **{which: _new_key()})
        self._keep(changed)
        return changed

    def _keep(self, keys: KeysView) -> None:
        write_atomically(self._keys, msgspec.json.encode(keys), mode=_OWNER_ALONE)

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


def _new_key() -> str:
    return os.urandom(_KEY_BYTES).hex()
