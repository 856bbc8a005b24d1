"""Objects that are there, in files or, of small ones, in memory until their files are written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from faena.objects.fresh_bytes import FreshBytes
from faena.objects.reading import KeptFiles


class KeptOrFresh(KeptFiles):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fresh = FreshBytes()

    def _at_hand(self, digest: str) -> bytes | None:
        """The bytes, where they are in no file yet as far as is known: here, or in a row of another process."""
        data = self.fresh.get(digest)
        return self._of_others(digest) if data is None else data

    def _kept_in_row(self, digest: str) -> bytes | None:
        """The same of what would survive power loss."""
        data = self.fresh.kept(digest)
        return self._of_others(digest) if data is None else data

    def _of_others(self, digest: str) -> bytes | None:
        if self.fresh.of_others is None or self.path(digest).exists():
            return None
        return self.fresh.of_others(digest)

    def open(self, digest: str) -> BinaryIO:
        data = self._at_hand(digest)
        return super().open(digest) if data is None else BytesIO(data)

    def open_to_seek(self, digest: str) -> BinaryIO:
        data = self._at_hand(digest)
        return super().open_to_seek(digest) if data is None else BytesIO(data)

    def check(self, digest: str) -> int:
        data = self._kept_in_row(digest)
        return super().check(digest) if data is None else len(data)

    def size(self, digest: str) -> int | None:
        data = self._kept_in_row(digest)
        return super().size(digest) if data is None else len(data)
