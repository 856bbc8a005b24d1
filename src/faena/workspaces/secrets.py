"""Secrets of a workspace: texts under names, encrypted, in a file that its owner alone may read.

It lies apart from the database, so that no backup, no exported run and no run's record holds them; and its key lies
elsewhere, so that a copy of the workspace does not give them away.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from faena.kernel.durable import write_atomically
from faena.kernel.errors import ServiceException, UserErrorException
from faena.workspaces import sealed_secrets, secret_key
from faena.workspaces.schemas import check_secret_length

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,126}", re.ASCII)
_MOST = 10_000
_OWNER_ALONE = 0o600


NAME = "secrets.json"
RAY_TOKENS = "ray-tokens.json"
"""Of Ray clusters, by the names of ours: no script asks for them."""


class Secrets:
    """The file `secrets.json`, or another one like it. May be used by many threads; each call reads it anew."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self._path = folder / name
        self._turn = threading.RLock()

    def seal(self) -> None:
        """Encrypt what an earlier Faena has left in plain text. Raises ServiceException."""
        if (data := self._bytes()) is not None and sealed_secrets.is_plain(data):
            self._read()

    def names(self) -> list[str]:
        return sorted(self._read())

    def get(self, names: Iterable[str]) -> dict[str, str | None]:
        """By name; None where there is none of that name."""
        kept = self._read()
        return {name: kept.get(name) for name in names}

    def put(self, values: Mapping[str, str]) -> None:
        """Add secrets, or replace them; all or none. Raises UserErrorException for what cannot be kept."""
        for name, value in values.items():
            _check(name, value)
        with self._turn:
            kept = self._read() | dict(values)
            if len(kept) > _MOST:
                raise UserErrorException(f"A workspace keeps {_MOST:,} secrets at most. Delete some first.")
            self._write(kept)

    def delete(self, names: Iterable[str]) -> None:
        """Silent about names that are not there."""
        gone = set(names)
        with self._turn:
            kept = self._read()
            if gone.intersection(kept):
                self._write({name: value for name, value in kept.items() if name not in gone})

    def _read(self) -> dict[str, str]:
        with self._turn:
            data = self._bytes()
            if data is None:
                return {}
            try:
                return self._seal(data) if sealed_secrets.is_plain(data) else self._opened(data)
            except (
                msgspec.DecodeError,
                sealed_secrets.Unsealable,
            ):  # its text could show what the file holds
                raise self._damaged() from None

    def _opened(self, data: bytes) -> dict[str, str]:
        found = sealed_secrets.envelope(data)
        if found.version != sealed_secrets.VERSION:
            raise ServiceException(f"{self._path} was written by a newer Faena. Install that one.")
        key = secret_key.read()
        if key is None or secret_key.name_of(key) != found.key:
            state = "is missing" if key is None else "is another one"
            raise ServiceException(
                f"The key that the secrets in {self._path} were encrypted with (key {found.key}) {state}: it lay in "
                f"{secret_key.place()}. Nothing was changed. Bring the key back from a backup of that folder, or put "
                f"{self._path.name} aside and set the secrets again."
            )
        return sealed_secrets.opened(found, key)

    def _bytes(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            raise self._damaged() from None

    def _damaged(self) -> ServiceException:
        return ServiceException(
            f"{self._path} cannot be read, and nothing was changed. Put it aside, and set the secrets again."
        )

    def _seal(self, data: bytes) -> dict[str, str]:
        """Put the encrypted file in the place of the plain one, and zeros over what that held."""
        kept = sealed_secrets.plain(data)
        try:
            with self._path.open("r+b") as before:
                self._write(kept)
                if not os.fstat(before.fileno()).st_nlink:  # else somebody has it under another name
                    before.write(bytes(len(data)))
                    before.flush()
                    os.fsync(before.fileno())
        except OSError as error:
            raise ServiceException(
                f"{self._path} is in plain text and cannot be encrypted: {error.strerror}."
            ) from None
        return kept

    def _write(self, kept: Mapping[str, str]) -> None:
        write_atomically(self._path, sealed_secrets.sealed(kept, secret_key.made()), mode=_OWNER_ALONE)


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise UserErrorException(
            f"{name[:80]!r} cannot be the name of a secret. Use letters, digits, '-', '_' and '.', at most 127."
        )
    check_secret_length(name, value)
