"""Nodes elsewhere live as long as something is heard of them: terms by the server's monotonic clock, in memory."""

from __future__ import annotations

import os
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from faena.kernel.errors import UserErrorException

JITTER = 0.2
"""Of the time between beats, so that those of many nodes do not come together."""
_LATE = 2.0
"""Seconds between two looks after which it was this process that stood still: nobody could have been heard."""


_LONGEST = 86_400.0
_GRACE = 5.0
"""Seconds, at most, that a script gets to leave: a tenth of `fence`."""
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
        """`FAENA_NODE_LEASE`: the four numbers with commas between, for trials of what takes a minute otherwise.

        Raises UserErrorException for what can be no terms.
        """
        if not (given := os.environ.get("FAENA_NODE_LEASE", "").strip()):
            return cls()
        try:
            found = cls(*(float(each) for each in given.split(",")))
        except (ValueError, TypeError):
            raise _no_terms(given, "not up to four numbers with commas between") from None
        if wrong := found.wrong:
            raise _no_terms(given, wrong)
        return found

    @property
    def wrong(self) -> str:
        """Why these can be no terms; empty where they can."""
        if not all(0 < each < _LONGEST for each in (self.beat, self.quiet, self.fence, self.lost)):
            return f"each is more than 0 and less than {_LONGEST:g} seconds"
        if self.fence < 2 * self.beat:
            return f"the third ({self.fence:g}) is to be at least twice the first ({self.beat:g}): a beat may be lost"
        if self.lost <= (least := self.fence + min(_GRACE, self.fence / 10)):
            return f"the fourth ({self.lost:g}) is to be more than {least:g}, the third and what a script gets to leave"
        return ""

    def among(self, nodes: int) -> Terms:
        """What each of so many nodes is given: the more there are, the longer between its beats."""
        beat = max(self.beat, min(nodes / _BEATS, self.fence / _BEATS_IN_FENCE))
        return replace(self, beat=beat)

    @property
    def silent(self) -> float:
        """From when a node was heard last until its run is shown as NotResponding."""
        return self.beat * (1 + JITTER) + self.quiet


def _no_terms(given: str, why: str) -> UserErrorException:
    return UserErrorException(
        f"FAENA_NODE_LEASE is {given[:80]!a}: {why}. It is four numbers of seconds, 2,5,50,60 where it is not set: "
        "between beats, until NotResponding, until a node ends its script, until it is lost."
    )


class Leases:
    """Each method is quick and may be called on any thread. `node in leases`: its lease runs."""

    def __init__(self, terms: Terms, monotonic: Callable[[], float]) -> None:
        self._given = self._terms = terms
        self._monotonic = monotonic
        self._heard: dict[str, float] = {}
        self._quiet_after: dict[str, float] = {}
        """By the terms that a node was told last: it may beat at the pace of earlier ones until it is told others."""
        self._called: set[str] = set()
        self._counted = 0
        self._is_deaf = False
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
        self._called.discard(node)
        self._count()

    def shut_ears(self) -> None:
        """Nobody listens for nodes from now on: that nothing is heard of them is known at once."""
        self._is_deaf = True

    def open_ears(self) -> None:
        self._is_deaf = False

    def call(self, node: str) -> None:
        """Have its beats be answered with the word that there is more for it than runs, as long as it is known."""
        self._called.add(node)

    def call_off(self, node: str) -> None:
        self._called.discard(node)

    def is_called(self, node: str) -> bool:
        return node in self._called

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
        if self._is_deaf:
            return set(self._heard)
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
