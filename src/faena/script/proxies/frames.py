"""Messages on a Unix socket: JSON, and bytes beside it. Each is a header, the text, the pieces of bytes.

Reading takes time in proportion to what came, and memory for what was announced, within bounds.
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, List, Tuple

MOST_TEXT = 512 << 20
"""Bytes of JSON in one message."""
MOST_BYTES = 4 << 30
"""Bytes beside it."""
_MAGIC = b"FaP1"
_HEADER = struct.Struct(">4sIQ")
_PART = 1 << 20
_DUMP = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class TooLarge(ValueError):
    """More than one message may hold."""


class Broken(OSError):
    """What came is no message."""


def packed(content: Any, pieces: List[Any]) -> List[bytes]:
    """What to send, one after another. `content`: what JSON holds. Raises TooLarge."""
    sizes = [memoryview(piece).nbytes for piece in pieces]
    text = _DUMP([content, sizes] if pieces else [content]).encode("ascii")
    if len(text) > MOST_TEXT or sum(sizes) > MOST_BYTES:
        raise TooLarge(
            "{:,} bytes cannot be handed over at once: at most {:,} of text and numbers and {:,} of arrays can. Hand "
            "them over in parts, or write a file and give its path.".format(
                len(text) + sum(sizes), MOST_TEXT, MOST_BYTES
            )
        )
    header = _HEADER.pack(_MAGIC, len(text), sum(sizes))
    if not pieces:
        return [header + text]
    return [header + text, *pieces]


class Stream:
    """Messages, one after another, each way. Not to be shared by threads without a lock."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()

    @property
    def socket(self) -> socket.socket:
        return self._socket

    def send(self, content: Any, pieces: List[Any] = []) -> None:  # noqa: B006  never changed
        """Raises TooLarge before anything is sent; OSError where the other side is gone."""
        for part in packed(content, pieces):
            self._socket.sendall(part)

    def receive(self) -> Tuple[Any, List[bytes]]:
        """Raises Broken, EOFError at the end, OSError."""
        header = self._take(_HEADER.size, at_start=True)
        magic, length, beside = _HEADER.unpack(header)
        if magic != _MAGIC or length > MOST_TEXT or beside > MOST_BYTES:
            raise Broken("what came is no message of Faena's")
        try:
            found = json.loads(self._take(length).decode("ascii"))
        except (ValueError, RecursionError) as error:
            raise Broken("a message cannot be read: {}".format(error)) from None
        if not isinstance(found, list) or not 1 <= len(found) <= 2:
            raise Broken("a message has no content")
        sizes = found[1] if len(found) == 2 else []
        if (
            not isinstance(sizes, list)
            or not all(type(size) is int and size >= 0 for size in sizes)
            or sum(sizes) != beside
        ):
            raise Broken("a message is of another size than it says")
        return found[0], [self._take(size) for size in sizes]

    def close(self) -> None:
        self._socket.close()

    def _take(self, size: int, at_start: bool = False) -> bytes:
        buffer = self._buffer
        if len(buffer) < size and size > _PART:
            return self._take_large(size)
        while len(buffer) < size:
            part = self._socket.recv(_PART)
            if not part:
                raise EOFError if at_start and not buffer else Broken("a message ended half-way")
            buffer += part
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def _take_large(self, size: int) -> bytes:
        """Into memory of its size, which grows as bytes come: an announcement alone takes none."""
        found = bytearray(self._buffer)
        del self._buffer[:]
        while len(found) < size:
            part = self._socket.recv(min(_PART, size - len(found)))
            if not part:
                raise Broken("a message ended half-way")
            found += part
        return bytes(found)
