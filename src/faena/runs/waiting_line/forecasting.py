"""When runs that wait may start, from how long runs like them took. No I/O."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

_FEWEST = 2
"""Runs of an experiment whose length says something of the next one."""


class Occupied(Struct, frozen=True):
    """Nodes that a run has."""

    nodes: int
    left: float | None
    """Seconds until it gives them back; None: nobody can say."""


class Wish(Struct, frozen=True):
    """A run that waits, in its turn."""

    nodes: int
    takes: float | None
    """Seconds; None: nobody can say."""


def takes(lengths: Sequence[float]) -> float | None:
    """How long the next run of an experiment may take, by the lengths of its latest that came to their end."""
    return median(lengths) if len(lengths) >= _FEWEST else None


def left(lengths: Sequence[float], elapsed: float) -> float | None:
    """How much longer one that has gone on for so long may take: as those did that took longer than that."""
    longer = [each - elapsed for each in lengths if each > elapsed]
    return median(longer) if len(longer) >= _FEWEST else None


def starts(nodes: int, occupied: Iterable[Occupied], wishes: Iterable[Wish]) -> list[float | None]:
    """Seconds until each may start, the runs served in their order; None where that hangs on what nobody can say.

    `nodes`: how many the cluster may have, those that are occupied among them.
    """
    free_at: list[float] = []
    unknown = 0
    for each in occupied:
        if each.left is None:
            unknown += each.nodes
        else:
            free_at += [each.left] * each.nodes
    free_at += [0.0] * max(0, nodes - unknown - len(free_at))
    heapq.heapify(free_at)
    found: list[float | None] = []
    earliest = 0.0
    for wish in wishes:
        if wish.nodes > len(free_at):
            found.append(None)
            # it may start at any time, and keeps others from nodes until then
            free_at, earliest = [], float("inf")
            continue
        taken = [heapq.heappop(free_at) for _ in range(wish.nodes)]
        begin = max(earliest, *taken)
        earliest = begin  # nobody is passed over
        found.append(begin)
        if wish.takes is not None:
            for _ in range(wish.nodes):
                heapq.heappush(free_at, begin + wish.takes)
    return found
