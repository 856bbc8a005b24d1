"""The body of a request as a client sends it: held where it is small, else passed on in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from io import BufferedIOBase

_SMALL = 1 << 20
"""Bytes of a body that is held, so that it can be sent again."""
_PART = 256 << 10
_LONGEST_LINE = 1024
_NUMBER = re.compile("[0-9]{1,18}")
_CHUNK = re.compile(b"[0-9a-fA-F]{1,15}")


class Malformed(Exception):
    """It is not told, or not sent, as HTTP has it: nobody can say where the next request begins."""


class ClientGone(Exception):
    """Its client has ended the connection, or said nothing more, before all of it was there."""


class Body:
    """`length`: bytes; None where it comes in chunks, whose number is not known before."""

    def __init__(self, file: BufferedIOBase, length: int | None) -> None:
        self.length = length
        self.is_begun = False
        """Whether parts of it were given away, so that it cannot be sent once more."""
        self._file = file
        self._left = length or 0
        self._data: bytes | None = None

    @property
    def is_small(self) -> bool:
        return self.length is not None and self.length <= _SMALL

    def whole(self) -> bytes:
        """Of a small one, as often as it is wanted. Raises ClientGone."""
        if self._data is None:
            self._data = b"".join(self._told())
        return self._data

    def parts(self) -> Iterator[bytes]:
        """What has not been read yet. Raises ClientGone, and Malformed where its chunks are none."""
        self.is_begun = True  # by the first part
        yield from self._told() if self.length is not None else self._chunks()

    def pass_over(self, most: int) -> bool:
        """Read the rest, so that its client hears the answer; whether that was all. Raises as `parts` does."""
        for part in self.parts():
            most -= len(part)
            if most < 0:
                return False
        return True

    def _told(self) -> Iterator[bytes]:
        while self._left:
            part = self._read(min(self._left, _PART))
            self._left -= len(part)
            yield part

    def _chunks(self) -> Iterator[bytes]:
        while True:
            if not self._left:
                size = _CHUNK.match(line := self._line())
                if size is None:
                    raise Malformed(f"{line[:40]!r} is no size of a chunk")
                self._left = int(size[0], 16)
                if not self._left:
                    while self._line():
                        pass  # headers after the body
                    self.length = 0
                    return
            part = self._read(min(self._left, _PART))
            self._left -= len(part)
            if not self._left and self._line():
                raise Malformed("a chunk is longer than it was told to be")
            yield part

    def _read(self, amount: int) -> bytes:
        try:
            part = self._file.read1(amount)
        except OSError as error:
            raise ClientGone(str(error)) from error
        if not part:
            raise ClientGone("its connection has ended")
        return bytes(part)

    def _line(self) -> bytes:
        try:
            line = self._file.readline(_LONGEST_LINE)
        except OSError as error:
            raise ClientGone(str(error)) from error
        if not line.endswith(b"\n"):
            raise ClientGone("its connection has ended") if not line else Malformed("a line has no end")
        return line.rstrip(b"\r\n")


def of_request(file: BufferedIOBase, headers: Message) -> Body:
    """Raises Malformed where headers say nothing, or two things, of how long it is."""
    lengths, codings = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    if codings:
        if lengths or len(codings) > 1 or codings[0].strip().lower() != "chunked":
            raise Malformed("Content-Length, or another Transfer-Encoding, beside chunks")
        return Body(file, None)
    if not lengths:
        return Body(file, 0)
    if len(lengths) > 1 or not _NUMBER.fullmatch(lengths[0].strip()):
        raise Malformed("Content-Length is no number")
    return Body(file, int(lengths[0]))
