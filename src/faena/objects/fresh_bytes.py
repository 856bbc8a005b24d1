"""Bytes of small objects that are in the database, or on their way there, and in no file yet."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

MOST_BYTES = 64 << 20
"""In memory at once; what comes then waits for its file."""


class FreshBytes:
    """In the memory of this process alone. Safe to use from any thread."""

    def __init__(self) -> None:
        self._coming: dict[str, bytes] = {}
        self._kept: dict[str, bytes] = {}
        self.of_others: Callable[[str], bytes | None] | None = None
        """Looks for bytes that another process has put into the database; None where there is no other. Blocks."""

    def __bool__(self) -> bool:
        """Whether there are some whose files are to be written."""
        return bool(self._kept)

    @property
    def is_full(self) -> bool:
        return sum(map(len, list(self._kept.values()))) >= MOST_BYTES

    def get(self, digest: str) -> bytes | None:
        """The bytes, also while they are on their way: a row that refers to them may be seen before we hear of it."""
        found = self._kept.get(digest)
        return self._coming.get(digest) if found is None else found

    def kept(self, digest: str) -> bytes | None:
        """The bytes, where they would survive power loss."""
        return self._kept.get(digest)

    def some(self, most: int) -> dict[str, bytes]:
        """So many at most of those whose files are to be written."""
        return dict(islice(self._kept.copy().items(), most))

    def come(self, digest: str, data: bytes) -> None:
        self._coming[digest] = data

    def keep(self, digest: str, data: bytes) -> None:
        """The database has them now."""
        self._kept[digest] = data
        self._coming.pop(digest, None)

    def refuse(self, digest: str) -> None:
        """The database does not get them."""
        self._coming.pop(digest, None)

    def forget(self, digest: str) -> None:
        """A file has them now."""
        self._kept.pop(digest, None)
        self._coming.pop(digest, None)
