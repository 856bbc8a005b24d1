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

    def open(self, digest: str) -> BinaryIO:
        data = self.fresh.get(digest)
        return super().open(digest) if data is None else BytesIO(data)

    def open_to_seek(self, digest: str) -> BinaryIO:
        data = self.fresh.get(digest)
        return super().open_to_seek(digest) if data is None else BytesIO(data)

    def check(self, digest: str) -> int:
        data = self.fresh.kept(digest)
        return super().check(digest) if data is None else len(data)

    def size(self, digest: str) -> int | None:
        data = self.fresh.kept(digest)
        return super().size(digest) if data is None else len(data)
