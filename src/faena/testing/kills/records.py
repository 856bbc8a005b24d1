"""What a numbered script confirmed, and how what was found compares with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

IN_FLIGHT = 1
"""Calls that were made and not yet confirmed when the script was killed."""

LEAST_POINTS = 20
"""Points after which a script is well under way; so many it logs in any case."""


@dataclass(slots=True)
class Confirmed:
    """What the script said; times are microseconds since the epoch."""

    began: list[int] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    model: str | None = None
    registered: int | None = None
    dropped: list[int] = field(default_factory=list)
    """Points of which `log` counted that they could not be written."""
    ended: int | None = None

    @classmethod
    def read(cls, path: Path) -> Confirmed:
        found = cls()
        try:
            text = path.read_text()
        except FileNotFoundError:
            return found
        whole, _, _ = text.rpartition("\n")  # of a line that is being written, its beginning may be there
        for line in whole.splitlines():
            what, value, time = line.split()
            match what:
                case "begin":
                    found.began.append(int(time))
                    found.pids.append(int(value))
                case "point":
                    found.points.append(int(value))
                case "line":
                    found.lines.append(int(value))
                case "model":
                    found.model = value
                case "registered":
                    found.registered = int(value)
                case "dropped":
                    found.dropped.append(int(value))
                case "end":
                    found.ended = int(time)
        return found


@dataclass(frozen=True, slots=True)
class Count:
    written: int = 0
    found: int = 0
    doubled: int = 0
    lost: int = 0
    invented: int = 0
    """Found, and never confirmed, beyond the one under way; or out of order."""

    def __add__(self, other: Count) -> Count:
        return Count(
            self.written + other.written,
            self.found + other.found,
            self.doubled + other.doubled,
            self.lost + other.lost,
            self.invented + other.invented,
        )


NOTHING = Count()


def compare(confirmed: Sequence[int], found: Sequence[int]) -> Count:
    """`confirmed` is in the order of writing; so must `found` be."""
    times = Counter(found)
    beyond = times.keys() - set(confirmed)
    return Count(
        written=len(confirmed),
        found=len(found),
        doubled=sum(count - 1 for count in times.values()),
        lost=sum(number not in times for number in confirmed),
        invented=max(0, len(beyond) - IN_FLIGHT) + (list(found) != sorted(found)),
    )
