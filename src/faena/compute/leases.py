"""Nodes elsewhere live as long as something is heard of them: terms by the server's monotonic clock, in memory."""

from __future__ import annotations

import os
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

JITTER = 0.2
"""Of the time between beats, so that those of many nodes do not come together."""
_LATE = 2.0
"""Seconds between two looks after which it was this process that stood still: nobody could have been heard."""


_BEATS = 200.0
"""That come a second of all nodes together, as far as nodes may be asked to beat that seldom."""
_BEATS_IN_FENCE = 5
"""That a node sends at least in the time after which it would stop its script."""


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

    def among(self, nodes: int) -> Terms:
        """What each of so many nodes is given: the more there are, the longer between its beats."""
        beat = max(self.beat, min(nodes / _BEATS, self.fence / _BEATS_IN_FENCE))
        return replace(self, beat=beat)

    @property
    def silent(self) -> float:
        """From when a node was heard last until its run is shown as NotResponding."""
        return self.beat * (1 + JITTER) + self.quiet


class Leases:
    """Each method is quick and may be called on any thread. `node in leases`: its lease runs."""

    def __init__(self, terms: Terms, monotonic: Callable[[], float]) -> None:
        self._given = self._terms = terms
        self._monotonic = monotonic
        self._heard: dict[str, float] = {}
        self._quiet_after: dict[str, float] = {}
        """By the terms that a node was told last: it may beat at the pace of earlier ones until it is told others."""
        self._counted = 0
        self._looked = monotonic()

    @property
    def number(self) -> int:
        """Of nodes that are known."""
        return len(self._heard)

    def __contains__(self, node: object) -> bool:
        at = self._heard.get(node) if isinstance(node, str) else None
        return at is not None and self._now() - at < self._given.lost

    @property
    def terms(self) -> Terms:
        """For as many nodes as there are now."""
        return self._terms

    def hear(self, node: str) -> None:
        """Something came of the node, which is told the terms: its term begins anew."""
        self._heard[node] = self._monotonic()
        self._quiet_after[node] = self._terms.silent
        self._count()

    def forget(self, node: str) -> None:
        self._heard.pop(node, None)
        self._quiet_after.pop(node, None)
        self._count()

    def is_known(self, node: str) -> bool:
        return node in self._heard

    def alive(self) -> set[str]:
        now = self._now()
        return {node for node, at in list(self._heard.items()) if now - at < self._given.lost}

    def lost(self) -> list[str]:
        """Those that are known, and whose lease has ended."""
        now = self._now()
        return [node for node, at in list(self._heard.items()) if now - at >= self._given.lost]

    def quiet(self) -> set[str]:
        """Those of which nothing is heard at the moment, lost or not."""
        now, after = self._now(), self._quiet_after
        return {node for node, at in list(self._heard.items()) if now - at >= after.get(node, 0.0)}

    def _count(self) -> None:
        if (number := len(self._heard)) != self._counted:
            self._counted = number
            self._terms = self._given.among(number)

    def _now(self) -> float:
        """Nobody was heard between two looks that lay too far apart: terms are longer by that."""
        now = self._monotonic()
        if (gap := now - self._looked) > _LATE:
            self._heard = {node: at + gap for node, at in list(self._heard.items())}
        self._looked = now
        return now
