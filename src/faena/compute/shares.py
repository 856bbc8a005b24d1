"""Who uses how many nodes, and how many each may use: what turns and quotas go by. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from faena.compute.waiting import Waiting, Wanted


class OwnerKind(StrEnum):
    """Whose a quota is."""

    PERSON = "person"
    EXPERIMENT = "experiment"


class Owner(NamedTuple):
    """Of a quota. A person without a name: everybody who has none of their own."""

    kind: OwnerKind
    name: str

    @property
    def words(self) -> str:
        if self.kind is OwnerKind.EXPERIMENT:
            return f"quota of experiment {self.name!r}"
        return f"{self.name}'s quota" if self.name else "quota for everybody"


class Line(NamedTuple):
    """Whose runs stand in it, one behind the other, and of which experiment."""

    user: str
    experiment: str


class Allowance(Struct, frozen=True):
    """What of its quota concerns the nodes that its owner may still get."""

    nodes: int | None = None
    """At once, on all clusters together; None: as many as there are."""
    spent: str = ""
    """Why no run of theirs may begin, however few nodes are in use; empty: it may."""


class Refusal(Struct, frozen=True):
    """Why a run gets no nodes, however many are free."""

    owner: Owner
    why: str
    """In words, as what the run waits for."""
    alone: bool = False
    """It asks for more than its owner may ever have: others of theirs need not wait for it."""


def owners(line: Line) -> tuple[Owner, Owner]:
    return Owner(OwnerKind.PERSON, line.user), Owner(OwnerKind.EXPERIMENT, line.experiment)


def line_of(run: Waiting) -> Line:
    return Line(run.user, run.experiment)


class Shares:
    """The nodes that persons and experiments use, as they are handed out within one look at the queues.

    `used`: nodes by line. `allowances`: of those whose quotas limit them; `general`: of persons who are not among
    them. `served`: when each person was last given nodes, a growing number.
    """

    def __init__(
        self,
        used: Mapping[Line, int] | None = None,
        allowances: Mapping[Owner, Allowance] | None = None,
        served: Mapping[str, int] | None = None,
        general: Allowance | None = None,
    ) -> None:
        self._used: Counter[Owner] = Counter()
        for line, nodes in (used or {}).items():
            self._count(line, nodes)
        self._allowances = allowances or {}
        self._served = served or {}
        self._general = general

    @property
    def limits(self) -> bool:
        """Whether anybody has a quota that counts here."""
        return bool(self._allowances) or self._general is not None

    @property
    def is_any_spent(self) -> bool:
        """Whether runs wait for a month to begin."""
        return any(allowance.spent for allowance in self._allowances.values())

    def _allowance(self, owner: Owner) -> Allowance | None:
        default = self._general if owner.kind is OwnerKind.PERSON else None
        return self._allowances.get(owner, default)

    def used_by(self, user: str) -> int:
        return self._used[Owner(OwnerKind.PERSON, user)]

    def served(self, user: str) -> int:
        return self._served.get(user, 0)

    def take(self, run: Waiting) -> None:
        """It has its nodes now."""
        self._count(line_of(run), run.node_count)

    def _count(self, line: Line, nodes: int) -> None:
        for owner in owners(line):
            self._used[owner] += nodes

    def left(self, line: Line) -> int | None:
        """How many nodes more its runs may have; None: as many as there are."""
        lefts = [left for owner in owners(line) if (left := self._left(owner)) is not None]
        return min(lefts, default=None)

    def _left(self, owner: Owner) -> int | None:
        allowance = self._allowance(owner)
        if allowance is None:
            return None
        if allowance.spent:
            return 0
        return None if allowance.nodes is None else max(0, allowance.nodes - self._used[owner])

    def refusal(self, run: Waiting) -> Refusal | None:
        """None: its quotas let it have its nodes."""
        for owner in owners(line_of(run)):
            allowance = self._allowance(owner)
            if allowance is None:
                continue
            if allowance.spent:
                return Refusal(owner, allowance.spent)
            most, used = allowance.nodes, self._used[owner]
            if most is not None and used + run.node_count > most:
                return Refusal(owner, _over(owner, most, used, run.node_count), run.node_count > most)
        return None

    def wanted(self, queued: Iterable[tuple[Line, int, bool]]) -> Wanted:
        """How many of the nodes that lines want they may have: of each its line, nodes, and whether with GPUs."""
        lefts: dict[Owner, int | None] = {}
        totals = {True: 0, False: 0}
        for line, nodes, with_gpu in queued:
            both = owners(line)
            for owner in both:
                lefts.setdefault(owner, self._left(owner))
            limits = {owner: left for owner in both if (left := lefts[owner]) is not None}
            may = min([nodes, *limits.values()])
            totals[with_gpu] += may
            lefts |= {owner: left - may for owner, left in limits.items()}
        return Wanted(totals[False], totals[True])


def _over(owner: Owner, most: int, used: int, wants: int) -> str:
    if wants > most:
        return f"{owner.words}: {_nodes(most)} at once at most, and it wants {wants}"
    more = f", and it wants {wants}" if wants > 1 else ""
    return f"{owner.words}: {used} of {_nodes(most)} at once {'is' if most == 1 else 'are'} in use{more}"


def _nodes(count: int) -> str:
    return f"{count} node{'s' if count != 1 else ''}"
