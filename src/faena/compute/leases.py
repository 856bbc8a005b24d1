"""Nodes elsewhere live as long as something is heard of them: terms by the server's monotonic clock, in memory."""

from __future__ import annotations

import os
from collections.abc import Callable

from msgspec import Struct

JITTER = 0.2
"""Of the time between beats, so that those of many nodes do not come together."""
_LATE = 2.0
"""Seconds between two looks after which it was this process that stood still: nobody could have been heard."""


class Terms(Struct, frozen=True):
    """In seconds. A node that was not answered for `fence` stops its script itself, before it counts as lost."""

    beat: float = 2.0
    quiet: float = 5.0
    """From when a beat was due until its run is shown as NotResponding: a link that is cut for four is no news."""
    fence: float = 50.0
    lost: float = 60.0

    @classmethod
    def of_environment(cls) -> Terms:
        """`FAENA_NODE_LEASE`: the four numbers with commas between, for trials of what takes a minute otherwise."""
        given = os.environ.get("FAENA_NODE_LEASE")
        return cls(*(float(each) for each in given.split(","))) if given else cls()


class Leases:
    """Each method is quick and may be called on any thread."""

    def __init__(self, terms: Terms, monotonic: Callable[[], float]) -> None:
        self.terms = terms
        self._monotonic = monotonic
        self._heard: dict[str, float] = {}
        self._looked = monotonic()

    def hear(self, node: str) -> None:
        """Something came of the node: its term begins anew."""
        self._heard[node] = self._monotonic()

    def forget(self, node: str) -> None:
        self._heard.pop(node, None)

    def is_known(self, node: str) -> bool:
        return node in self._heard

    def alive(self) -> set[str]:
        return self._heard_within(self.terms.lost)

    def quiet(self) -> set[str]:
        """Those of which nothing is heard at the moment, lost or not."""
        return set(self._heard) - self._heard_within(self.terms.beat * (1 + JITTER) + self.terms.quiet)

    def _heard_within(self, seconds: float) -> set[str]:
        now = self._monotonic()
        if (gap := now - self._looked) > _LATE:
            self._heard = {node: at + gap for node, at in self._heard.items()}
        self._looked = now
        return {node for node, at in list(self._heard.items()) if now - at < seconds}
