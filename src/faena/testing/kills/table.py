"""The table of a campaign: a row for each victim and phase, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from faena.testing.kills.evidence import Result
from faena.testing.kills.records import NOTHING, Count

HEAD = (
    "                       ------- points ------ -------- lines ------ bad slow\n"
    "victim  phase     kill   writ  found dbl lst   writ  found dbl lst end  (s) left"
)


@dataclass(slots=True)
class Row:
    """What the trials of one cell found together."""

    victim: str
    phase: str
    kills: int = 0
    points: Count = NOTHING
    lines: Count = NOTHING
    wrong: list[str] = field(default_factory=list)
    slowest: float | None = None
    left: int = 0
    not_applicable: str = ""

    def add(self, result: Result, *, hit: bool = True) -> None:
        self.kills += hit
        self.points += result.points
        self.lines += result.lines
        self.wrong += result.wrong
        self.left += result.left
        if hit and result.known is not None:
            self.slowest = max(result.known, self.slowest or 0.0)

    @property
    def is_clean(self) -> bool:
        both = self.points + self.lines
        return not (self.wrong or self.left or both.doubled or both.lost or both.invented)

    def record(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "victim": str(self.victim),
            "kills": self.kills,
            "points": asdict(self.points),
            "lines": asdict(self.lines),
            "wrong": self.wrong,
            "slowest_seconds": self.slowest,
        }

    def __str__(self) -> str:
        label = f"{self.victim:<7} {self.phase:<10}"
        if self.not_applicable:
            return f"{label} n/a  {self.not_applicable}"
        slow = "-" if self.slowest is None else f"{self.slowest:.1f}"
        return (
            f"{label}{self.kills:>4} {_counts(self.points)} {_counts(self.lines)} "
            f"{len(self.wrong):>3} {slow:>4} {self.left:>4}"
        )


def _counts(count: Count) -> str:
    return f"{count.written:>6} {count.found:>6} {count.doubled:>3} {count.lost:>3}"


def render(rows: Iterable[Row]) -> str:
    """The table, then what was wrong."""
    rows = list(rows)
    lines = [HEAD, *map(str, rows)]
    for row in rows:
        lines += [f"WRONG {row.victim} {row.phase}: {text}" for text in row.wrong]
        invented = row.points.invented + row.lines.invented
        if invented:
            lines.append(
                f"WRONG {row.victim} {row.phase}: {invented} found that nobody confirmed, or out of order"
            )
    return "\n".join(lines)
