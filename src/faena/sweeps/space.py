"""A search space: what a sampler chooses from, and the parameters that a choice means. No I/O.

A space is written as in v1, `{"--lr": ["loguniform", [-6, -1]], "--units": ["choice", [[100, 200]]]}`. An option of a
choice that is a dict sets several parameters, each to a value or by an expression, which is drawn only where the
option is; an option that is an expression draws the parameter itself: `["choice", [[0, ["uniform", [0.1, 0.5]]]]]`.

In a grid the last parameter changes fastest. A parameter that is None is not given to the script (see `arguments`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.kernel.nearest import nearest
from faena.sweeps import constraints as conditions
from faena.sweeps import tree
from faena.sweeps.arguments import arguments_of as arguments_of
from faena.sweeps.arguments import bare, digest_of, shown
from faena.sweeps.constraints import Condition, Constraint
from faena.sweeps.distributions import Coordinate, Kind
from faena.sweeps.locating import Elsewhere, locate
from faena.sweeps.options import Flag
from faena.sweeps.tree import Constant, Fork, Leaf, Node


class Dimension(Struct, frozen=True):
    """One number that a sampler chooses."""

    name: str
    """Its path: `--lr`, `optimizer`, which is the index of the option, `optimizer/0/--momentum`."""
    kind: Kind
    low: float
    high: float
    """Both ends are within."""
    branch: tuple[str, int] | None
    """It is active only where the dimension of that name has that index."""


class Point(Struct, frozen=True):
    """One combination of parameters."""

    coordinates: dict[str, float | int]
    """Of the active dimensions, by name."""
    values: dict[str, Any]
    """What the script gets, by parameter."""
    digest: str
    """Equal exactly where the script's arguments are."""


class Space:
    """Made by `parse`."""

    def __init__(self, roots: Sequence[Node], drawn: Sequence[Leaf | Fork]) -> None:
        self._roots = roots
        self._drawn = drawn
        self._by_place = {node.place: node for node in drawn}
        self._flags = frozenset(bare(node.name) for node in drawn if isinstance(node.expression, Flag))
        self.dimensions = tuple(
            Dimension(
                node.place, node.expression.kind, node.expression.low, node.expression.high, node.branch
            )
            for node in drawn
        )
        """Parents before children."""
        self.size = tree.count_of_all(roots)
        """Combinations, of which constraints are not taken off; None: no end of them."""
        self.parameters: tuple[str, ...] = tuple(
            sorted(frozenset().union(*(tree.names_of(node) for node in roots)))
        )
        """All that may be set, without dashes."""
        self.endless = tuple(node.place for node in drawn if node.expression.count is None)
        """Dimensions that no grid can have."""
        self.constraints: tuple[Constraint, ...] = ()
        self._grid = tree.Grid(roots) if self.size is not None else None

    @classmethod
    def parse(cls, space: Mapping[str, Any], constraints: Sequence[Condition] = ()) -> Space:
        """Raises UserErrorException that names the parameter."""
        if not isinstance(space, Mapping):
            raise UserErrorException(
                f"The space is {shown(space)}. Give a dict of expressions by parameter, such as "
                "{'--lr': uniform(0.01, 0.1)}."
            )
        if not space:
            raise UserErrorException("The space is empty. Give an expression for at least one parameter.")
        reader = tree.Reader()
        roots = reader.nodes(space)
        made = cls(roots, [node for node in reader.drawn if node is not None])
        made.constraints = conditions.parse_all(constraints, made.parameters)
        return made

    def at(self, coordinates: Mapping[str, float | int]) -> Point:
        """The point with these coordinates of its active dimensions. Raises UserErrorException for what is outside."""
        point = self._fill(lambda node: _checked(node, coordinates))
        for place in coordinates:
            if place not in point.coordinates:
                raise UserErrorException(
                    f"{place!r} is not active here."
                    if place in self._by_place
                    else f"The space has no dimension {shown(place)}."
                )
        return point

    def from_unit(self, units: Sequence[float]) -> Point:
        """The point at numbers in [0, 1), one a dimension; those of dimensions that are not active do not count."""
        if len(units) != len(self._drawn):
            raise UserErrorException(
                f"The space has {len(self._drawn)} dimensions, and {len(units)} were given."
            )

        def choose(node: Leaf | Fork) -> Coordinate:
            unit = units[node.ordinal]
            if not 0 <= unit < 1:
                raise UserErrorException(f"{node.place!r} is {unit}. Give a number from 0 to below 1.")
            return node.expression.from_unit(unit)

        return self._fill(choose)

    def beside(
        self, coordinates: Mapping[str, float | int], units: Sequence[float], factors: Sequence[float | None]
    ) -> Point:
        """The point whose values are those at some coordinates, each times a factor; one of each a dimension.

        Where there is no factor, and where a dimension was not active there, it is drawn at a number in [0, 1).
        """

        def choose(node: Leaf | Fork) -> Coordinate:
            before, factor = coordinates.get(node.place), factors[node.ordinal]
            if before is None or factor is None:
                return node.expression.from_unit(units[node.ordinal])
            return node.expression.perturbed(before, factor)

        return self._fill(choose)

    def grid(self, index: int) -> Point:
        """One of the `size` combinations. Raises UserErrorException where there is none of that number."""
        coordinates = self.grid_coordinates(index)
        return self._fill(lambda node: coordinates[node.place])

    def grid_coordinates(self, index: int) -> dict[str, float | int]:
        if self._grid is None or self.size is None:
            raise UserErrorException(
                f"Parameter {self.endless[0]!r} has no end of values, so there is no grid. Use choice, flag, randint, "
                "quniform or qloguniform there."
            )
        if not 0 <= index < self.size:
            raise UserErrorException(f"The grid has {self.size:,} combinations, and none is number {index}.")
        coordinates: dict[str, float | int] = {}
        self._grid.put(index, coordinates)
        return coordinates

    def after(self, index: int, refusal: Constraint) -> int:
        """The next combination of a grid that differs in what a constraint is about, which refused this one."""
        assert self._grid is not None
        names = refusal.names
        stride = min(
            stride
            for node, stride in zip(self._roots, self._grid.strides, strict=True)
            if tree.names_of(node) & names
        )
        return (index // stride + 1) * stride

    def values_at(self, coordinates: Mapping[str, float | int]) -> dict[str, Any]:
        """Of coordinates that are known to be right."""
        values: dict[str, Any] = {}
        _fill(self._roots, lambda node: coordinates[node.place], {}, values)
        return values

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Whether all constraints do."""
        return next(self.refusals(values), None) is None

    def refusals(self, values: Mapping[str, Any]) -> Iterator[Constraint]:
        """The constraints that do not allow these values."""
        if not self.constraints:
            return
        known = {bare(name): value for name, value in values.items()}
        for name in self._flags & known.keys():
            known[name] = known[name] is not None
        yield from (each for each in self.constraints if not each.allows(known))

    def locate(self, values: Mapping[str, Any]) -> Point | None:
        """Where values lie that are given as such or as texts, whatever the constraints; None: not in the space.

        The point has the values as given, where the space has no others that are the same argument: 0.1 stays 0.1
        in a loguniform, of which the coordinate is next to it.
        """
        try:
            return self._locate(values)
        except Elsewhere:
            return None

    def require(self, values: Mapping[str, Any]) -> Point:
        """The same. Raises UserErrorException that says why they do not lie in the space."""
        try:
            return self._locate(values)
        except Elsewhere as reason:
            raise UserErrorException(f"These values are not in the space: {reason}.") from None

    def _locate(self, values: Mapping[str, Any]) -> Point:
        given: dict[str, Any] = {}
        for name, value in values.items():
            if bare(name) in given:
                raise Elsewhere("{} is given twice", name)
            given[bare(name)] = value
        for name in sorted(given.keys() - set(self.parameters)):
            near = nearest(name, self.parameters)
            raise Elsewhere(
                "{} is no parameter of it; did you mean {}?" if near else "{} is no parameter of it",
                name,
                *near,
            )
        coordinates: dict[str, Coordinate] = {}
        found: dict[str, Any] = {}
        locate(self._roots, given, coordinates, found)
        return Point(coordinates, found, digest_of(found))

    def _fill(self, choose: Callable[[Leaf | Fork], Coordinate]) -> Point:
        coordinates: dict[str, Coordinate] = {}
        values: dict[str, Any] = {}
        _fill(self._roots, choose, coordinates, values)
        return Point(coordinates, values, digest_of(values))


def _fill(
    roots: Sequence[Node],
    choose: Callable[[Leaf | Fork], Coordinate],
    coordinates: dict[str, Coordinate],
    values: dict[str, Any],
) -> None:
    for node in roots:
        if isinstance(node, Constant):
            values[node.name] = node.value
            continue
        coordinate = coordinates[node.place] = choose(node)
        if isinstance(node, Leaf):
            values[node.name] = node.expression.value(coordinate)
        else:
            _fill(node.options[int(coordinate)], choose, coordinates, values)


def _checked(node: Leaf | Fork, coordinates: Mapping[str, float | int]) -> Coordinate:
    expression = node.expression
    coordinate = coordinates.get(node.place)
    if isinstance(coordinate, bool) or not isinstance(coordinate, (int, float)):
        raise UserErrorException(f"The coordinate of {node.place!r} is {shown(coordinate)}. Give a number.")
    if not expression.low <= coordinate <= expression.high:
        raise UserErrorException(
            f"The coordinate of {node.place!r} is {shown(coordinate)}. Give one from {expression.low} to "
            f"{expression.high}."
        )
    if expression.kind == "float":
        return float(coordinate)
    if coordinate != int(coordinate):
        raise UserErrorException(f"The coordinate of {node.place!r} is {shown(coordinate)}. Give an integer.")
    return int(coordinate)
