"""The folder of an endpoint, `.faena/endpoints/<name>`: what its front is told and says, what its workers run in."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from faena.endpoints.front_folder import FrontFolder
from faena.endpoints.schemas import KeysView
from faena.kernel.durable import write_atomically, write_once
from faena.kernel.errors import ServiceException, WebserviceException
from faena.scoring import desired
from faena.scoring import status as front
from faena.scoring.status import Status

FOLDER = "endpoints"
_KEY_BYTES = 24
_OWNER_ALONE = 0o600


@dataclass(frozen=True, slots=True)
class EndpointFolder(FrontFolder):
    @classmethod
    def of(cls, workspace: Path, name: str) -> EndpointFolder:
        return cls(workspace / FOLDER / name)

    def status(self) -> Status | None:
        """What its front said last, whether or not it still runs."""
        return front.read(self.path)

    def said(self) -> Status | None:
        """What a front says that lives, or why the last one left that was to be as `endpoint.json` says now."""
        told = self.told_now()
        try:
            return None if told is None else msgspec.convert(told, Status)
        except msgspec.ValidationError:
            return None

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


def _new_key() -> str:
    return os.urandom(_KEY_BYTES).hex()
