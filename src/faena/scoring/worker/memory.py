"""A worker's side of the memory that it shares with its front: what it runs, and its answers."""

from __future__ import annotations

import mmap

from . import wire


class Memory:
    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, wire.PAGE + wire.RING)
        view = memoryview(self._map)
        self.cells = view[: wire.PAGE].cast("Q")
        self.times = view[: wire.PAGE].cast("d")
        self._ring = view[wire.PAGE :]
        self._head = self.cells[wire.HEAD_AT]

    def put(
        self, number: int, micros: int, status: int, flags: int, rows: int, description: bytes, body: bytes
    ) -> bool:
        """The answer of a request, where there is room for it."""
        described, length = len(description), len(body)
        needed = (wire.RECORD.size + described + length + 31) & ~31
        head = self._head
        at = head & (wire.RING - 1)
        free = wire.RING - (head - self.cells[wire.TAIL_AT])
        if needed > free or needed > wire.LARGEST:
            return False
        left = wire.RING - at
        ring = self._ring
        if needed > left:
            if needed + left > free:
                return False
            wire.RECORD.pack_into(ring, at, 0, 0, 0, 0, 0, 0, 0, 0)
            head += left
            at = 0
        wire.RECORD.pack_into(ring, at, number, needed, micros, length, described, status, flags, rows)
        at += 32
        if described:
            ring[at : at + described] = description
            at += described
        ring[at : at + length] = body
        self._head = self.cells[wire.HEAD_AT] = head + needed
        return True


def large(
    number: int, micros: int, status: int, flags: int, rows: int, description: bytes, body: bytes
) -> list[bytes]:
    """The frame of an answer for which there is none."""
    record = wire.RECORD.pack(number, 0, micros, len(body), len(description), status, flags, rows)
    length = wire.REPORT.size - wire.LENGTH_BYTES + len(record) + len(description) + len(body)
    return [wire.REPORT.pack(length, wire.VERSION, wire.LARGE, number) + record + description, body]
