"""What is to happen to an endpoint, and the table of what it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from faena.endpoints.fronts import LASTED
from tests.scoring.load import Load

CLIENTS = 32
"""Half of them ask on connections that last, half on a new one each time."""
REQUESTS = 100_000
"""During the updates of a whole campaign."""
HEAD = "what happens           times requests failed  may   502   504   cut refused longest   gap"


@dataclass(slots=True)
class Row:
    """`allowed`: how many requests it may cost. `refused`: connections that could not be made; nobody had asked yet.
    `gap`: the longest time in which nobody was answered.
    """

    what: str
    times: int = 0
    requests: int = 0
    failed: int = 0
    allowed: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    refused: int = 0
    longest: float = 0.0
    gap: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_kill(self) -> bool:
        return self.what.endswith("killed")

    @property
    def is_clean(self) -> bool:
        return not self.wrong and self.failed <= self.allowed

    def take(self, load: Load, statuses: set[int]) -> None:
        """What its clients got; other failures than those of these statuses are wrong."""
        self.requests, self.failed, self.cut, self.refused = load.asked, load.failed, load.cut, load.refused
        self.statuses = +load.statuses
        self.longest, self.gap = load.longest, load.gap
        if strange := load.statuses.keys() - statuses - {200}:
            self.wrong.append(f"answers with {sorted(strange)}")
        if self.failed > self.allowed:
            self.wrong += load.broken[:5]

    def __str__(self) -> str:
        return (
            f"{self.what:<22} {self.times:>5} {self.requests:>8} {self.failed:>6} {self.allowed:>4} "
            f"{self.statuses[502]:>5} {self.statuses[504]:>5} {self.cut:>5} {self.refused:>7} "
            f"{self.longest:>6.1f}s {self.gap:>4.1f}s"
        )


def render(rows: list[Row]) -> str:
    lines = [HEAD, *map(str, rows)]
    lines += [f"WRONG {row.what}: {text}" for row in rows for text in row.wrong]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each thing happens; `requests` at least during the updates."""

    updates: int
    workers: int
    stops: int
    servers: int
    replaced: int
    fronts: int
    disks: int
    requests: int
    clients: int = CLIENTS
    pause: float = 0.0
    front_rest: float = LASTED
    """Seconds that a front is left alone: one that dies sooner is started later each time."""

    @classmethod
    def of(cls, kills: int) -> Plan:
        """`kills`: of workers; the others in proportion."""

        def part(of: int) -> int:
            return max(1, kills // of)

        return cls(part(2), kills, part(20), part(4), part(10), part(4), part(40), REQUESTS * kills // 200)
