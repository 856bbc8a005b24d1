"""Which machines were removed: their tokens are nobody's from then on, and who comes with one is told so.

The server keeps it in a file beside what else concerns nodes; without it they are strangers, which does no harm.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from faena.kernel.clock import Micros, iso
from faena.kernel.durable import write_atomically

_FILE = "removed.json"
_MOST = 1000
"""The latest."""


class Removed(Struct, frozen=True):
    token: str
    """The digest of its own."""
    name: str
    cluster: str
    at: Micros

    @property
    def told(self) -> str:
        return (
            f"The machine {self.name!r} of {self.cluster!r} was removed from this workspace at {iso(self.at)[:19]}Z. "
            f"To have it join again: `faena node token {self.cluster}` on the server's host makes a token."
        )


class RemovedMachines:
    """Of one workspace. `folder`: where its server keeps what concerns nodes. Each method blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, removed: Removed) -> None:
        """What cannot be written is logged: the machine is removed all the same."""
        kept = [*self._kept()[1 - _MOST :], removed]
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._folder / _FILE, msgspec.json.encode(kept), mode=0o600)
        except OSError as error:
            logging.warning("that %s was removed cannot be kept: %s", removed.name, error)

    def why(self, token: str) -> str:
        """Why a machine's token, by its digest, is nobody's; empty where that is not known."""
        return next((each.told for each in reversed(self._kept()) if each.token == token), "")

    def _kept(self) -> list[Removed]:
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode((self._folder / _FILE).read_bytes(), type=list[Removed])
        return []
