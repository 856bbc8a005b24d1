"""Many small objects in one request: each a digest (32 bytes), its length (8 bytes, big-endian) and its bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from faena.kernel.errors import UserErrorException

LARGEST = 1 << 20
"""Bytes from which an object goes by itself: then it is no longer the requests that take the time."""
MOST_BYTES = 16 << 20
"""Of the objects of one request."""
MOST_OBJECTS = 2_000

LONGEST_LIST = 64 << 20
"""Bytes of a request that names files or objects one by one, or brings the bytes of logs and spools."""

_HEAD = struct.Struct(">32sQ")


def write(objects: Iterable[tuple[str, bytes]]) -> bytes:
    """The body of a request with objects given as (digest, bytes)."""
    parts = []
    for digest, data in objects:
        parts += [_HEAD.pack(bytes.fromhex(digest), len(data)), data]
    return b"".join(parts)


def read(body: bytes) -> list[tuple[str, bytes]]:
    """The objects of a request, whose digests nobody has checked. Raises UserErrorException for what is no batch."""
    objects: list[tuple[str, bytes]] = []
    at = 0
    while at < len(body):
        if len(objects) == MOST_OBJECTS:
            raise UserErrorException(
                f"A batch of objects has at most {MOST_OBJECTS:,}. Send the rest by itself."
            )
        if at + _HEAD.size > len(body):
            raise _cut()
        digest, size = _HEAD.unpack_from(body, at)
        at += _HEAD.size
        if at + size > len(body):
            raise _cut()
        objects.append((digest.hex(), body[at : at + size]))
        at += size
    return objects


def of(sizes: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Digests of small objects, given with their sizes, as many at a time as one answer brings."""
    asked: list[str] = []
    total = 0
    for digest, size in sizes:
        if asked and (len(asked) == MOST_OBJECTS or total + size > MOST_BYTES):
            yield asked
            asked, total = [], 0
        asked.append(digest)
        total += size
    if asked:
        yield asked


def _cut() -> UserErrorException:
    return UserErrorException(
        "The batch of objects breaks off before the end of its last one. Send it again."
    )
