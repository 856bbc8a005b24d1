"""Values of secrets in a script's own output, replaced before it leaves the node.

Each byte of a value becomes a `*`, so that the log keeps its length and every offset in it is still true. A value is
known here before the script gets it, so nothing that it writes afterwards is missed; one that begins at the end of
what has been written by now is held back until it is known how it goes on.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeGuard

from faena.attempts import records
from faena.attempts.script_files import write_record

SHORTEST = 8
"""Characters of a value that is hidden: shorter ones are words of any log."""
ASKED = "secrets"
"""The record of an attempt that names the secrets that were given to its script."""
_SHAPE = {"names": list}


class Redaction:
    """Of one attempt; may be used by many threads."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        """`folder`: where the attempt's folder is now."""
        self._folder = folder
        self._names: set[str] = set()
        self._values: tuple[tuple[bytes, list[int]], ...] = ()
        """Each with its borders, the longest first: one that holds another is hidden whole."""
        self._turn = threading.Lock()

    @property
    def longest(self) -> int:
        """Bytes that may be held back."""
        return max((len(value) for value, _ in self._values), default=0)

    def learn(self, found: Mapping[str, object]) -> None:
        """Hide these from now on; whoever takes over the attempt learns their names from its folder."""
        new = {
            name: value.encode("utf-8", "surrogatepass") for name, value in found.items() if _is_hidden(value)
        }
        with self._turn:
            known = {value for value, _ in self._values}
            if self._names.issuperset(new) and known.issuperset(new.values()):
                return
            values = sorted(known.union(new.values()), key=lambda value: (-len(value), value))
            self._values = tuple((value, _borders(value)) for value in values)
            self._names.update(new)
            with contextlib.suppress(OSError):  # a full disk keeps no script from its secrets
                write_record(self._folder(), ASKED, {"names": sorted(self._names)})

    def names(self) -> list[str]:
        """Of the secrets that the script of this attempt has been given. Raises UnreadableRecord."""
        found = records.read_record(self._folder() / f"{ASKED}.json", _SHAPE)
        return [] if found is None else [str(name) for name in found["names"]]

    def hidden(self, data: bytes, *, is_all: bool) -> bytes:
        """Without the values; shorter than `data` where more comes (not `is_all`) and its end may begin one."""
        values = self._values
        for value, _ in values:
            data = data.replace(value, b"*" * len(value))
        if is_all or not values:
            return data
        kept = max(_begun(data, *each) for each in values)
        return data[: len(data) - kept]

    def text(self, text: str) -> str:
        """A message, without the values."""
        return self.hidden(text.encode("utf-8", "surrogateescape"), is_all=True).decode(
            "utf-8", "surrogateescape"
        )


def _is_hidden(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) >= SHORTEST


def _begun(data: bytes, value: bytes, borders: list[int]) -> int:
    """Bytes at the end of `data` that `value` begins with, the whole of it aside. Linear (Knuth, Morris, Pratt)."""
    tail = data[max(0, len(data) - len(value) + 1) :]
    if value[0] not in tail:
        return 0
    matched = 0
    for octet in tail:
        while matched and value[matched] != octet:
            matched = borders[matched - 1]
        if value[matched] == octet:
            matched += 1
    return matched


def _borders(value: bytes) -> list[int]:
    """For each beginning of `value`, the length of the longest shorter one that it ends with."""
    borders = [0] * len(value)
    matched = 0
    for place in range(1, len(value)):
        while matched and value[matched] != value[place]:
            matched = borders[matched - 1]
        if value[matched] == value[place]:
            matched += 1
        borders[place] = matched
    return borders
