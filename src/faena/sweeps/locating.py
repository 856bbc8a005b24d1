"""Where given values lie in the tree of a space. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faena.sweeps.arguments import bare, shown
from faena.sweeps.distributions import Coordinate
from faena.sweeps.options import is_meant
from faena.sweeps.tree import Fork, Leaf, Node


class Elsewhere(Exception):
    """Given values do not lie in the space; the text says why. Most are never read."""

    def __init__(self, form: str, *about: object) -> None:
        self._form, self._about = form, about

    def __str__(self) -> str:
        return self._form.format(*(shown(each) for each in self._about))


def locate(
    nodes: Sequence[Node],
    given: Mapping[str, Any],
    coordinates: dict[str, Coordinate],
    values: dict[str, Any],
) -> None:
    """Where values lie, `given` by parameter without dashes. Raises Elsewhere."""
    for node in nodes:
        if isinstance(node, Fork):
            _locate_fork(node, given, coordinates, values)
        elif isinstance(node, Leaf):
            coordinates[node.place], values[node.name] = _locate(node, given)
        elif is_meant(node.value, given.get(bare(node.name))):
            values[node.name] = node.value
        else:
            raise _elsewhere(node.name, given)


def _locate(leaf: Leaf, given: Mapping[str, Any]) -> tuple[Coordinate, Any]:
    name = bare(leaf.name)
    if name not in given:
        coordinate = leaf.expression.find_missing()
        found = None if coordinate is None else (coordinate, leaf.expression.value(coordinate))
    else:
        found = leaf.expression.find(given[name])
    if found is None:
        raise _elsewhere(leaf.name, given)
    return found


def _elsewhere(name: str, given: Mapping[str, Any]) -> Elsewhere:
    if bare(name) in given:
        return Elsewhere("{} cannot be {} in this space", name, given[bare(name)])
    return Elsewhere("{} is missing", name)


def _locate_fork(
    fork: Fork, given: Mapping[str, Any], coordinates: dict[str, Coordinate], values: dict[str, Any]
) -> None:
    """An option in which all lies that is given of what the choice may set."""
    here = fork.all_names & given.keys()
    reasons: list[Elsewhere] = []
    for index, (nodes, names) in enumerate(zip(fork.options, fork.names, strict=True)):
        if not here <= names:
            continue
        within: dict[str, Coordinate] = {fork.place: index}
        found: dict[str, Any] = {}
        try:
            locate(nodes, given, within, found)
        except Elsewhere as reason:
            reasons.append(reason)
            continue
        coordinates |= within
        values |= found
        return
    if len(reasons) == 1:
        raise reasons[0]
    raise Elsewhere("no option of {} has these values", fork.name)
