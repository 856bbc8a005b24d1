"""On which machine of its cluster an endpoint is: pure rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from faena.compute.machines.model import Machine
from faena.endpoints.model import Endpoint


class Place(Struct, frozen=True):
    """A machine as it is now. `away`: seconds for which nothing was heard of it."""

    machine: Machine
    away: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether an endpoint may come to it."""
        return self.away == 0.0 and not self.machine.draining


def choose(
    endpoint: Endpoint, places: Sequence[Place], taken: Mapping[str, int], lost: float, coming: str = ""
) -> Place | None:
    """Where it is to be; None: there is no machine for it. `places`: of its cluster. `taken`: endpoints by machine.

    It stays where it is until that machine is drained, removed or away for `lost` seconds, and after that as long as no
    other one is there. Else it comes to the machine with the fewest endpoints, of these to that with the most cores.
    `coming`: the one to which it is on its way already.
    """
    settings = endpoint.settings
    able = [each for each in places if settings.node in ("", each.machine.name)]
    here = next((each for each in able if each.machine.id == endpoint.machine), None)
    if here is not None and not here.machine.draining and here.away < lost:
        return here
    others = [each for each in able if each.is_open]
    if not others:
        return here
    if begun := next((each for each in others if each.machine.id == coming), None):
        return begun
    return min(others, key=lambda each: _rank(each.machine, taken))


def _rank(machine: Machine, taken: Mapping[str, int]) -> tuple[int, int, str]:
    return taken.get(machine.id, 0), -machine.told.cores, machine.name


def why_none(endpoint: Endpoint, places: Sequence[Place]) -> str:
    """Why it has no machine, and what to do."""
    settings = endpoint.settings
    if not places:
        return (
            f"No machine has joined {settings.cluster!r}: the endpoint waits for one. `faena node token "
            f"{settings.cluster}` prints the line for it."
        )
    wanted = f"The machine {settings.node!r}" if settings.node else "Each machine"
    return f"{wanted} of {settings.cluster!r} is away or drained: the endpoint waits for it."
