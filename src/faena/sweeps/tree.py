"""A space as a tree: parameters, and choices of which each option has parameters of its own. No I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.sweeps import expressions
from faena.sweeps.arguments import bare, check_name, check_value, shown
from faena.sweeps.distributions import Coordinate, Expression
from faena.sweeps.options import Index

MOST_DIMENSIONS = 1_000
MOST_PARAMETERS = 100_000
"""In all options together."""
DEEPEST = 10
"""Choices within options of choices."""

Branch = tuple[str, int]
"""The choice in which something is, and its option."""


class Constant(Struct, frozen=True, eq=False):
    """A parameter whose value is the option's."""

    name: str
    value: Any


class Leaf(Struct, frozen=True, eq=False):
    """A parameter that is drawn."""

    name: str
    place: str
    ordinal: int
    branch: Branch | None
    expression: Expression


class Fork(Struct, frozen=True, eq=False):
    """A choice of which at least one option is a dict or an expression: what each option sets."""

    name: str
    place: str
    ordinal: int
    branch: Branch | None
    expression: Index
    options: tuple[tuple[Node, ...], ...]
    names: tuple[frozenset[str], ...]
    """What each option sets, without dashes."""
    all_names: frozenset[str]


Node = Constant | Leaf | Fork


def names_of(node: Node) -> frozenset[str]:
    """The parameters that it may set, without dashes."""
    if isinstance(node, Fork):
        return node.all_names
    return frozenset((bare(node.name),))


def count_of(node: Node) -> int | None:
    """How many combinations there are; None: no end of them."""
    if isinstance(node, Constant):
        return 1
    if isinstance(node, Leaf):
        return node.expression.count
    counts = [count_of_all(option) for option in node.options]
    return None if None in counts else sum(count for count in counts if count)


def count_of_all(nodes: Sequence[Node]) -> int | None:
    counts = [count_of(node) for node in nodes]
    return None if None in counts else prod(count for count in counts if count is not None)


class Grid:
    """Combinations of nodes by number: the last one changes fastest."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = [(node, self._parts(node), count_of(node) or 0) for node in reversed(nodes)]
        self.strides: list[int] = list(
            accumulate((count for _, _, count in self._nodes), int.__mul__, initial=1)
        )[-2::-1]
        """After so many combinations each of the nodes has its next value."""

    @staticmethod
    def _parts(node: Node) -> tuple[list[Grid], list[int]] | None:
        if not isinstance(node, Fork):
            return None
        counts = [count_of_all(option) or 0 for option in node.options]
        return [Grid(option) for option in node.options], list(accumulate(counts, initial=0))

    def put(self, index: int, coordinates: dict[str, Coordinate]) -> None:
        for node, parts, count in self._nodes:
            index, rest = divmod(index, count)
            if isinstance(node, Leaf):
                coordinates[node.place] = node.expression.nth(rest)
            elif isinstance(node, Fork) and parts:
                grids, starts = parts
                option = bisect_right(starts, rest) - 1
                coordinates[node.place] = option
                grids[option].put(rest - starts[option], coordinates)


class Reader:
    """Makes the tree of a space as it is written. Raises UserErrorException that names the parameter."""

    def __init__(self) -> None:
        self.drawn: list[Leaf | Fork | None] = []
        """In the order of the dimensions, parents before children."""
        self._places: set[str] = set()
        self._parameters = 0

    def nodes(
        self, given: Mapping[str, Any], branch: Branch | None = None, depth: int = 0
    ) -> tuple[Node, ...]:
        if depth > DEEPEST:
            raise UserErrorException(
                f"Choices are nested deeper than {DEEPEST}, at {shown(branch and branch[0])}. Make them flatter."
            )
        found: list[Node] = []
        seen: dict[str, str] = {}
        for name, written in given.items():
            node = self._node(check_name(name), written, branch, depth)
            for each in names_of(node):
                if each in seen:
                    raise UserErrorException(
                        f"The parameter {each!r} is set twice: by {seen[each]!r} and by {name!r} ('lr' and '--lr' are "
                        "the same). Leave one out."
                    )
                seen[each] = name
            found.append(node)
        return tuple(found)

    def _node(self, name: str, written: Any, branch: Branch | None, depth: int) -> Node:
        self._parameters += 1
        if self._parameters > MOST_PARAMETERS:
            raise UserErrorException(
                f"The space sets more than {MOST_PARAMETERS:,} parameters, with {name!r}, in all its options "
                "together. Give fewer options."
            )
        if branch is not None and not expressions.is_expression(name, written):
            return Constant(name, check_value(name, written))
        word, arguments = expressions.split(name, written)
        options = expressions.options_of(name, arguments) if word == "choice" else []
        if any(isinstance(option, Mapping) or expressions.is_expression(name, option) for option in options):
            return self._fork(name, options, branch, depth)
        place, ordinal = self._place(name, branch)
        leaf = Leaf(name, place, ordinal, branch, expressions.parse(name, word, arguments))
        self.drawn[ordinal] = leaf
        return leaf

    def _fork(self, name: str, options: list[Any], branch: Branch | None, depth: int) -> Fork:
        place, ordinal = self._place(name, branch)
        sets = tuple(
            self.nodes(option if isinstance(option, Mapping) else {name: option}, (place, index), depth + 1)
            for index, option in enumerate(options)
        )
        names = tuple(_union(names_of(node) for node in nodes) for nodes in sets)
        fork = Fork(name, place, ordinal, branch, Index(len(options)), sets, names, _union(names))
        self.drawn[ordinal] = fork
        return fork

    def _place(self, name: str, branch: Branch | None) -> tuple[str, int]:
        place = name if branch is None else f"{branch[0]}/{branch[1]}/{name}"
        if place in self._places:
            raise UserErrorException(f"Two parameters are called {place!r}. Rename one of them.")
        self._places.add(place)
        self.drawn.append(None)
        if len(self.drawn) > MOST_DIMENSIONS:
            raise UserErrorException(
                f"The space has more than {MOST_DIMENSIONS:,} parameters that are drawn, with {name!r}. Give fewer."
            )
        return place, len(self.drawn) - 1


def _union(names: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*names)
