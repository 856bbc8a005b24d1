"""A snapshot as a zip archive, made while it is sent: no file of it is written to the server's disk."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence

from faena.data.schemas import SnapshotFile
from faena.objects.contract import ObjectFiles

_CHUNK = 1 << 20
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""What zip calls no time: the same snapshot gives the same archive."""
_REGULAR = 0o100000


async def zipped(files: Sequence[SnapshotFile], objects: ObjectFiles) -> AsyncIterator[bytes]:
    """The archive's bytes, a part at a time. Paths must have been checked; modes are 0644, or 0755 where executable."""
    parts = _parts(files, objects)
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part


def _parts(files: Sequence[SnapshotFile], objects: ObjectFiles) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            info = zipfile.ZipInfo(file.path, _FIRST_DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (_REGULAR | (0o755 if file.executable else 0o644)) << 16
            large = file.size > zipfile.ZIP64_LIMIT // 2
            with objects.open(file.digest) as source, archive.open(info, "w", force_zip64=large) as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    if sink.is_full:
                        yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Takes what zipfile writes and gives it away; cannot be sought in, so that nothing is written twice."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._given = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile gives bytes
        self._held += data
        return len(data)

    def tell(self) -> int:
        return self._given + len(self._held)

    @property
    def is_full(self) -> bool:
        return len(self._held) >= _CHUNK

    def taken(self) -> bytes:
        data = bytes(self._held)
        self._given += len(data)
        self._held.clear()
        return data
