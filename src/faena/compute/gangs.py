"""Nodes that somebody elsewhere is asked for together: he starts all of a gang at once, or none. No I/O.

A node that was asked for is a row with its gang; it joins as a machine with the name that it was asked for by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from faena.compute.model import Node

CHANGED = "gangs"
"""What is notified when other nodes are wanted."""


class Place(Struct, frozen=True):
    """Of a node in its gang."""

    gang: str
    rank: int
    size: int
    """Nodes of the gang when it was asked for."""

    @property
    def text(self) -> str:
        return f"{self.gang}.{self.rank}.{self.size}"

    @classmethod
    def of(cls, node: Node) -> Place | None:
        """None for one that was not asked for so."""
        gang, _, numbers = node.gang.partition(".")
        rank, _, size = numbers.partition(".")
        if not (rank.isdecimal() and size.isdecimal()):
            return None
        return cls(gang, int(rank), int(size))


def sizes(start: int, there: int, runs: Iterable[int]) -> list[int]:
    """Of the gangs that `start` more nodes are asked for by.

    `there`: nodes that are free or to come. `runs`: how many each of those that wait wants, in turn. What a run
    lacks is one gang: it could do nothing with a part. What nobody waits for comes one by one.
    """
    found: list[int] = []
    left = start
    for wants in runs:
        lacks = max(0, wants - there)
        there = max(0, there - wants)
        if lacks > left:
            break
        if lacks:
            found.append(lacks)
            left -= lacks
        if not left:
            break
    else:
        found += [1] * left
    return found


def to_withdraw(nodes: Sequence[Node], surplus: int) -> list[Node]:
    """Of those to come, as many whole gangs as nobody waits for any more, the latest first."""
    gangs: dict[str, list[Node]] = {}
    for node in nodes:
        if place := Place.of(node):
            gangs.setdefault(place.gang, []).append(node)
    found: list[Node] = []
    for gang in reversed(gangs.values()):
        if all(node.is_to_come for node in gang) and len(gang) <= surplus - len(found):
            found += gang
    return found


def free_names(cluster: str, taken: Iterable[str], count: int) -> list[str]:
    """Names of nodes to come: the same ones again and again, so that what a host keeps by them is found again."""
    there = set(taken)
    names = (f"{cluster[:50].rstrip('-')}-{number}" for number in range(len(there) + count))
    return [name for name in names if name not in there][:count]
