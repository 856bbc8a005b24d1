"""A large file as the answer: the kernel sends its bytes while a thread verifies them."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from litestar import Request
from litestar.types import Send

from faena.kernel.lanes import BYTES
from faena.objects.contract import ObjectFiles

LARGE = 8 << 20
"""Bytes of a file from which on a thread of its own pays."""
_SENDS_FILES = "http.response.zerocopysend"
_LAST = 1 << 20
"""Bytes that are sent when all have proved to be the digest's."""
_READ = 1 << 20


class WholeFile:
    """To be sent once, or closed."""

    def __init__(self, file: BinaryIO, verified: BinaryIO, headers: Mapping[str, str]) -> None:
        """`verified`: the same bytes; reading them to the end raises where they are damaged."""
        self._file = file
        self._verified = verified
        self._size = os.fstat(file.fileno()).st_size
        self._headers = {**headers, "Content-Length": str(self._size)}

    async def send(self, send: Send) -> None:
        """Breaks off before its end where bytes are damaged. Raises ObjectDamaged then."""
        sender: Any = send  # of a message that is an extension of ASGI
        verifying = asyncio.ensure_future(BYTES.run(self._verify))
        try:
            headers = [
                (name.lower().encode(), value.encode("latin-1")) for name, value in self._headers.items()
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            first = self._size - _LAST
            await sender(self._part(0, first, more=True))
            await asyncio.shield(verifying)
            await sender(self._part(first, _LAST, more=False))
        finally:
            self._file.close()
            verifying.add_done_callback(self._end)

    def _part(self, offset: int, count: int, *, more: bool) -> dict[str, Any]:
        return {
            "type": _SENDS_FILES, "file": self._file, "offset": offset, "count": count, "more_body": more
        }  # fmt: skip

    def _verify(self) -> None:
        buffer = bytearray(_READ)
        while self._verified.readinto(buffer):  # type: ignore[attr-defined]  # readers of files have it
            if self._file.closed:
                return  # whoever reads has gone

    def _end(self, verifying: asyncio.Future[None]) -> None:
        self._verified.close()
        if not verifying.cancelled():
            verifying.exception()  # it was told, or is nobody's


def opened(
    files: ObjectFiles, digest: str, request: Request[Any, Any, Any]
) -> tuple[BinaryIO, BinaryIO] | None:
    """(the file, the same to be verified); None where it is small, in no file of ours, or the connection copies anyway.

    Blocks. Raises NotFound, ObjectDamaged.
    """
    if _SENDS_FILES not in (request.scope.get("extensions") or {}) or (files.size(digest) or 0) < LARGE:
        return None
    verified = files.open(digest)
    if getattr(verified, "waits", False):  # it is on its way here, and sent as it comes
        verified.close()
        return None
    try:
        file = files.open_unverified(digest)
        try:
            file.fileno()
        except (io.UnsupportedOperation, OSError):
            file.close()
            raise
    except (io.UnsupportedOperation, OSError):
        verified.close()
        return None
    except BaseException:
        verified.close()
        raise
    return file, verified
