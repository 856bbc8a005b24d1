"""Time that moves by hand."""

from __future__ import annotations

from faena.kernel.clock import Micros


class ManualClock:
    """Fulfils `faena.kernel.clock.Clock`; stands still until it is moved."""

    def __init__(self, at: Micros = 1_700_000_000_000_000) -> None:
        self._at = at
        self._monotonic = 1000.0

    def now(self) -> Micros:
        return self._at

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._at += round(seconds * 1e6)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """As when somebody sets the machine's clock: wall time goes back, monotonic time does not."""
        self._at -= round(seconds * 1e6)
