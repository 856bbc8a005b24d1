"""When a worker that has ended is started again, and when no more."""

from __future__ import annotations

from dataclasses import dataclass

_SHORT_LIFE = 10.0
"""Seconds; a worker that lived longer counts as the first that ended."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_FIRST_TRIES = 3
"""Starts that a revision gets which has never answered: another try rarely helps, and somebody waits for the error."""
_TRIES = 12
"""Starts that one gets which has answered before: what it lacks may come back."""


@dataclass(slots=True)
class Restarts:
    """Of one place in the pool."""

    failed_starts: int = 0
    """In a row."""
    short_lives: int = 0
    """In a row."""
    count: int = 0

    def start_failed(self) -> float:
        """Seconds until the next one."""
        self.failed_starts += 1
        return _pause(self.failed_starts)

    def ended(self, lived: float) -> float:
        """Seconds until the next start after a worker that had been ready for `lived` seconds."""
        self.failed_starts = 0
        self.short_lives = self.short_lives + 1 if lived < _SHORT_LIFE else 1
        return 0.0 if self.short_lives <= 3 else _pause(min(self.short_lives - 3, 4))

    def hopeless(self, has_answered: bool) -> bool:
        return self.failed_starts >= (_TRIES if has_answered else _FIRST_TRIES)


def _pause(number: int) -> float:
    return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (number - 1)))
