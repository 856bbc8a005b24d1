"""Answers whose reader, when they break off, goes on where they did: Range with If-Range, one range at a time."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from typing import IO, Any

from litestar import Request
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from faena.kernel import digests
from faena.kernel.lanes import BYTES
from faena.kernel.routing import SOME_BYTES
from faena.objects.service import Objects, parts

_OPEN_END = re.compile(r"bytes=(\d{1,18})-")
_BYTES = SOME_BYTES
REST = {206: ResponseSpec(bytes, generate_examples=False, media_type=SOME_BYTES)}
"""For `responses` of a route whose readers may go on where they stopped."""


async def of_object(objects: Objects, digest: str, request: Request[Any, Any, Any]) -> Stream:
    """An object's bytes, or those from where the reader stopped. Raises NotFound, ObjectDamaged."""
    tag = f'"{digests.check(digest)}"'
    told = _digest(digest)
    start = _start(request, tag)
    if start:
        file = await BYTES.run(
            objects.files.open_to_seek, digest
        )  # verified: nobody reads it from its first byte
        return await _rest(file, start, tag, told)
    stream = await objects.read(digest)
    if (size := await asyncio.to_thread(objects.files.size, digest)) is not None:
        told |= _length(size)
    return Stream(stream, media_type=_BYTES, headers=_headers(tag) | told)


def headers_of(digest: str) -> dict[str, str]:
    """What is told of an object's bytes beside their length, where all of them are sent."""
    return _headers(f'"{digest}"') | _digest(digest)


async def of_file(file: IO[bytes], request: Request[Any, Any, Any]) -> Stream:
    """The same of an open file, which is the same one as long as its time and size are."""
    tag = f'"{tag_of(os.fstat(file.fileno()))}"'
    return await _rest(file, _start(request, tag), tag, {})


def tag_of(status: os.stat_result) -> str:
    """What tells a file from what it was before somebody wrote it."""
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


async def _rest(file: IO[bytes], start: int, tag: str, told: dict[str, str]) -> Stream:
    size = await asyncio.to_thread(file.seek, 0, os.SEEK_END)
    start = start if start < size else 0
    await asyncio.to_thread(file.seek, start)
    if not start:
        return Stream(parts(file), media_type=_BYTES, headers=_headers(tag) | told | _length(size))
    where = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
    return Stream(
        parts(file),
        media_type=_BYTES,
        status_code=206,
        headers=_headers(tag) | told | where | _length(size - start),
    )


def _length(size: int) -> dict[str, str]:
    """Without it each part would be copied, to be sent with a length of its own."""
    return {"Content-Length": str(size)}


def _start(request: Request[Any, Any, Any], tag: str) -> int:
    """0 where all is asked for, also by who has a part of other bytes."""
    asked = _OPEN_END.fullmatch(request.headers.get("range", ""))
    return int(asked[1]) if asked and request.headers.get("if-range") == tag else 0


def _digest(digest: str) -> dict[str, str]:
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(digest)).decode()}:"}


def _headers(tag: str) -> dict[str, str]:
    return {"Accept-Ranges": "bytes", "ETag": tag}
