"""Which revision a request goes to: by weight, and by a header where it is to stay with one."""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

from faena.scoring.exchange import Request

_RANGE = 1 << 64


class Split:
    """`weights`: by revision. `sticky`: a header, whose every value belongs to one revision."""

    def __init__(self, weights: Mapping[int, float], sticky: str | None = None) -> None:
        self.weights = dict(weights)
        self._revisions = sorted(self.weights)
        total = sum(self.weights.values())
        self._bounds = list(accumulate(self.weights[each] / total for each in self._revisions))
        self._sticky = None if sticky is None else sticky.lower().encode()
        self._only = self._revisions[0] if len(self._revisions) == 1 else None

    def choose(self, request: Request) -> int:
        if self._only is not None:
            return self._only
        value = None if self._sticky is None else request.header(self._sticky)
        return self.at(random.random() if value is None else _place(value))

    def at(self, place: float) -> int:
        """`place`: from 0 to below 1."""
        found = bisect_right(self._bounds, place)
        return self._revisions[min(found, len(self._revisions) - 1)]


def _place(value: bytes) -> float:
    """The same in each process, and for as long as the value is."""
    return int.from_bytes(hashlib.blake2b(value, digest_size=8).digest()) / _RANGE
