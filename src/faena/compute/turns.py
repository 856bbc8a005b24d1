"""In which order runs get nodes: persons in turn by what they use, their experiments in turn, first in first out.

No I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from itertools import chain, count
from typing import NamedTuple

from faena.compute.shares import Line, OwnerKind, Shares, line_of
from faena.compute.waiting import Waiting, by_time
from faena.kernel.clock import Micros


class Place(NamedTuple):
    """What persons are sorted by. It changes with each run of theirs that is drawn."""

    uses: int
    """Nodes, those of their runs that were drawn included."""
    used_before: int
    """Nodes without those, negative: of two who use as many, one had them before."""
    served: int
    """When they were last given nodes."""
    since: tuple[Micros, str]
    """Who waits longest of theirs."""
    user: str


def turn(served: int, head: Waiting) -> tuple[int, Micros, str]:
    """What experiments are sorted by: when it last had its turn, then who waits longest."""
    return (served, *by_time(head))


def place_of(user: str, shares: Shares, used: int, drawn: int, since: tuple[Micros, str]) -> Place:
    """`used`: nodes before the first was drawn. `since`: of their run that waits longest."""
    return Place(used + drawn, -used, shares.served(user), since, user)


def in_turn(
    lines: Mapping[Line, Iterator[Waiting]],
    reserved: Sequence[Waiting],
    served: Mapping[str, int],
    shares: Shares,
    *,
    with_refused: bool = False,
) -> Iterator[Waiting]:
    """Runs in the order in which they get nodes; no more of a line is read than is asked for.

    `lines`: without the `reserved` runs, the one that queued first at the head of each. `served`: when experiments
    last had their turn. A run that holds a reservation comes first, and that is its experiment's turn. Otherwise the
    person is next who uses the fewest nodes; the experiments of a person take turns, the one served longest ago first;
    and within an experiment it is the run that queued first.

    A run that a quota refuses is left out with all behind it that are of the quota's owner; one that asks for more
    than its owner may ever have with those of its line alone. `with_refused`: they come as if there were no quotas.
    """
    barred: set[str] | None = None if with_refused else set()
    found: dict[str, _Person] = {}
    for line in sorted({*lines, *map(line_of, reserved)}):
        person = found.setdefault(line.user, _Person(line.user, shares, barred))
        first = sorted((run for run in reserved if line_of(run) == line), key=by_time)
        person.add(line.experiment, first, lines.get(line, iter(())), served.get(line.experiment, 0))
    people = sorted((person for person in found.values() if person.turns), key=lambda person: person.place)
    for person in people:
        yield from person.reserved()
    heap = [(person.place, person, person.others()) for person in people]
    heapify(heap)
    while heap:
        _, person, others = heap[0]
        if (run := next(others, None)) is None:
            heappop(heap)
            continue
        yield run
        heapreplace(heap, (person.place, person, others))


class _Turn(NamedTuple):
    order: tuple[int, Micros, str]
    experiment: str
    first: list[Waiting]
    """Those that hold reservations."""
    line: Iterator[Waiting]


class _Person:
    """The runs of one person. `barred`: experiments of which nobody gets more; None: nobody is refused anything."""

    def __init__(self, user: str, shares: Shares, barred: set[str] | None) -> None:
        self.user = user
        self.turns: list[_Turn] = []
        self._shares = shares
        self._barred = barred
        self._used, self._drawn = shares.used_by(user), 0
        self._is_barred = False

    @property
    def place(self) -> Place:
        since = min(each.order[1:] for each in self.turns)
        return place_of(self.user, self._shares, self._used, self._drawn, since)

    def add(self, experiment: str, first: list[Waiting], line: Iterator[Waiting], served: int) -> None:
        head = first[0] if first else next(line, None)
        if head is not None:
            rest = line if first else chain([head], line)
            self.turns.append(_Turn(turn(served, head), experiment, first, rest))
            self.turns.sort(key=lambda each: each.order)

    def reserved(self) -> Iterator[Waiting]:
        for depth in range(max(len(each.first) for each in self.turns)):
            for each in self.turns:
                if depth < len(each.first) and self._may_have(each.first[depth]):
                    yield self._draw(each.first[depth])

    def others(self) -> Iterator[Waiting]:
        left = list(self.turns)
        for depth in count():
            if not left:
                return
            for each in list(left):
                if depth < len(each.first):
                    continue
                following = next(each.line, None)
                if following is None or not self._may_have(following):
                    left.remove(each)
                    if self._is_barred:
                        return
                else:
                    yield self._draw(following)

    def _draw(self, run: Waiting) -> Waiting:
        self._drawn += run.node_count
        return run

    def _may_have(self, run: Waiting) -> bool:
        """Asked when it is its turn, so that those before it have their nodes."""
        if self._barred is None:
            return True
        if run.experiment in self._barred:
            return False
        if (refusal := self._shares.refusal(run)) is None:
            return True
        if not refusal.alone and refusal.owner.kind is OwnerKind.PERSON:
            self._is_barred = True
        elif not refusal.alone:
            self._barred.add(run.experiment)
        return False
