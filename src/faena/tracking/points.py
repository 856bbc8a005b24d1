"""Points of a metric as arrays.

A point has a time, perhaps a step, and a value: a float, an int, or JSON (text, a list, a row, a table). The value
is 64 bits: the float's, the int's, or the place of the JSON in `payloads`. So every kind keeps its place in the
order in which things were logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from faena.tracking.arrays import np

if TYPE_CHECKING:
    import numpy.typing as npt

    Int64s = npt.NDArray[np.int64]
    Float64s = npt.NDArray[np.float64]
    Kinds = npt.NDArray[np.uint8]
else:
    Int64s = Float64s = Kinds = object


FLOAT, INT, JSON = 0, 1, 2
NO_STEP = -(2**63)


class Points(Struct, frozen=True, eq=False):
    """In the order of arrival. `time`, `step`, `bits`: int64; `kind`: uint8; JSON values: UTF-8 objects."""

    time: Int64s
    step: Int64s
    bits: Int64s
    kind: Kinds
    payloads: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.time)

    def slice(self, start: int, stop: int) -> Points:
        part = Points(
            self.time[start:stop], self.step[start:stop], self.bits[start:stop], self.kind[start:stop]
        )
        return part.with_payloads(self.payloads) if self.payloads else part

    def take(self, order: npt.NDArray[np.intp]) -> Points:
        part = Points(self.time[order], self.step[order], self.bits[order], self.kind[order])
        return part.with_payloads(self.payloads) if self.payloads else part

    def with_payloads(self, payloads: Sequence[bytes]) -> Points:
        """These points with the payloads that their bits refer to, and no others."""
        places = np.flatnonzero(self.kind == JSON)
        bits = self.bits.copy()
        kept = tuple(payloads[place] for place in bits[places].tolist())
        bits[places] = np.arange(len(places))
        return Points(self.time, self.step, bits, self.kind, kept)

    def by_time(self) -> Points:
        """Ordered by time, equal times as they arrived."""
        if len(self) < 2 or bool((self.time[1:] >= self.time[:-1]).all()):
            return self
        return self.take(np.argsort(self.time, kind="stable"))


def joined(parts: Sequence[Points]) -> Points:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.empty(0, np.int64)
        return Points(none, none, none, np.empty(0, np.uint8))
    bits: list[Int64s] = []
    payloads: list[bytes] = []
    for part in parts:
        shift = len(payloads)
        moved = np.where(part.kind == JSON, part.bits + shift, part.bits) if shift else part.bits
        bits.append(moved)
        payloads.extend(part.payloads)
    return Points(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.step for part in parts]),
        np.concatenate(bits),
        np.concatenate([part.kind for part in parts]),
        tuple(payloads),
    )
