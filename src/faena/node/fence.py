"""The moment at which a guard ends a script of its own accord: nobody has heard from the node's server for too long,
and its run may be given to another node soon. Runner and guard have one clock, which goes on while the machine sleeps.

Python 3.6 and the standard library, since a guard loads it.
"""

from __future__ import annotations

import os
import struct

from faena.node import boot_clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOK_S = 0.25
"""Between looks: a wait ends late by as long as the machine slept meanwhile."""
MOVED = b"m"
"""The byte before a new moment in a lifeline."""

_MOMENT = struct.Struct("<d")
_LONGEST_GRACE_S = 5.0
_GRACE_OF_TERM = 0.1


def described(at: float, seconds: float) -> dict[str, float]:
    """As it stands in a launch. `at`: the moment; `seconds`: of silence until then."""
    return {"at": at, "seconds": seconds}


def message(at: float) -> bytes:
    """What a lifeline is told of a new moment: so short that it is written and read whole."""
    return MOVED + _MOMENT.pack(at)


class Fence:
    def __init__(self, described: dict[str, Any], grace: float) -> None:
        """`grace`: seconds that the script wants to leave within; it has less here, and no server gives its run away
        before they are over."""
        self.seconds = float(described["seconds"])
        self._at = float(described["at"])
        self._grace = min(grace, grace_of(self.seconds))

    def move(self, lifeline: int) -> None:
        """To the moment that is in the lifeline, behind its first byte."""
        data = os.read(lifeline, _MOMENT.size)
        if len(data) == _MOMENT.size:
            self._at = _MOMENT.unpack(data)[0]

    @property
    def is_reached(self) -> bool:
        return boot_clock.now() >= self._at

    @property
    def grace(self) -> float:
        """Seconds that are left to the script once the moment is reached."""
        return max(0.0, min(self._grace, self._at + self._grace - boot_clock.now()))

    @property
    def left(self) -> float:
        return max(0.0, self._at - boot_clock.now())


def grace_of(seconds: float) -> float:
    """Seconds from the moment until nothing of the script lives."""
    return min(_LONGEST_GRACE_S, _GRACE_OF_TERM * seconds)
