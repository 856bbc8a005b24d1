"""The numbers of a metric, all of them, a part at a time: without numpy, in memory that does not grow with them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from faena.client.workspaces.session import Session

NO_STEP = -(2**63)


class Point(NamedTuple):
    """`time`: microseconds since 1970, UTC. `step`: None where none was given."""

    time: int
    step: int | None
    value: float | int


class Part(NamedTuple):
    """Points that arrived one after the other."""

    time: array[int]
    step: array[int]
    value: list[float | int]

    def points(self) -> Iterator[Point]:
        for time, step, value in zip(self.time, self.step, self.value, strict=True):
            yield Point(time, None if step == NO_STEP else step, value)


def parts(session: Session, run_id: str, name: str) -> Iterator[Part]:
    """In the order of arrival; some thousand points each. Raises NotFound when the run has no such metric."""
    path = f"/runs/{quote(run_id, safe='')}/points?name={quote(name, safe='')}"
    with session.api.transport.stream("GET", path) as answer:
        while head := answer.read(4):
            count = int.from_bytes(head, "little")
            time, step, bits = (_integers(answer.read(8 * count)) for _ in range(3))
            yield Part(time, step, _values(bits, answer.read(count)))


def _integers(data: bytes) -> array[int]:
    found = array("q", data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _values(bits: array[int], integer: bytes) -> list[float | int]:
    floats = array("d", bits.tobytes())
    if not any(integer):
        return floats.tolist()
    return [
        whole if is_whole else value for whole, value, is_whole in zip(bits, floats, integer, strict=True)
    ]
