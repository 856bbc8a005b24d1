"""Secrets of a workspace: texts under names, in a file that its owner alone may read, apart from the database.

So no backup, no exported run and no run's record holds them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from faena.kernel.durable import write_atomically
from faena.kernel.errors import ServiceException, UserErrorException

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,126}", re.ASCII)
LONGEST = 25_000
"""Characters of a value; what Azure's key vault takes."""
_MOST = 10_000
_OWNER_ALONE = 0o600


class Secrets:
    """The file `secrets.json`. May be used by many threads; each call reads it anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "secrets.json"
        self._turn = threading.Lock()

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
            self._write({name: value for name, value in self._read().items() if name not in gone})

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError):  # the error's own text could show what the file holds
            raise ServiceException(
                f"{self._path} cannot be read, and nothing was changed. Put it aside, and set the secrets again."
            ) from None

    def _write(self, kept: Mapping[str, str]) -> None:
        write_atomically(self._path, msgspec.json.encode(kept), mode=_OWNER_ALONE)


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise UserErrorException(
            f"{name[:80]!r} cannot be the name of a secret. Use letters, digits, '-', '_' and '.', at most 127."
        )
    if len(value) > LONGEST:
        raise UserErrorException(
            f"The secret {name!r} has {len(value):,} characters; at most {LONGEST:,} are kept. Keep a file that only "
            "you may read, and its path as the secret."
        )
