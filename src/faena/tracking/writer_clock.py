"""The clock of one writer, which may be put back while it logs: what it logged later stays later."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.tracking.arrays import np
from faena.tracking.points import Int64s

_SANE = 2**61
"""Times beyond are nobody's: nothing is added to them."""


class WriterClock(Struct, frozen=True):
    """A clock that was put back is taken to run on from where it was, until it has caught up with that."""

    latest: Micros | None = None
    """Of the writer's last point, as the writer wrote it."""
    behind: int = 0
    """Microseconds that are added for now."""

    def continued(self, times: Int64s) -> tuple[Int64s, WriterClock]:
        """Times as they follow one another in the writer's file → times that never go back; the clock after them."""
        if not len(times) or int(times.min()) < -_SANE or int(times.max()) > _SANE:
            return times, self
        first = int(times[0]) if self.latest is None else self.latest
        steps = np.diff(times, prepend=first)
        back = np.flatnonzero(steps < 0)
        if not self.behind and not len(back):
            return times, WriterClock(int(times[-1]))
        added = np.zeros(len(times), np.int64)
        behind, start = self.behind, 0
        for place in [*back.tolist(), len(times)]:
            if behind and start < place:
                caught_up = steps[start:place] >= behind
                until = start + int(caught_up.argmax()) if caught_up.any() else place
                added[start:until] = behind
                behind = behind if until == place else 0
            if place < len(times):
                behind = min(behind - int(steps[place]), _SANE)
                added[place] = behind
            start = place + 1
        return times + added, WriterClock(int(times[-1]), behind)
