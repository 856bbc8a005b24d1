"""What was deleted, and for how long it can be brought back. No I/O."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.clock import Micros

UNDO_S = 24 * 3600
"""Seconds for which a deletion can be undone."""

UNTOUCHED_S = 24 * 3600
"""Seconds for which an object stays that nothing refers to: who put it refers to it by then, or never will."""


class Deletion(Struct, frozen=True):
    id: int
    at: Micros
    user: str
    what: str
    size: int

    @property
    def until(self) -> Micros:
        """When it is collected at the earliest, unless somebody asks for it sooner."""
        return self.at + UNDO_S * 1_000_000


class Counts(Struct, frozen=True):
    """How much a deletion takes away."""

    runs: int = 0
    files: int = 0
    logs: int = 0
    models: int = 0
    """Versions of models."""
    names: int = 0
    """Models as such that have no version."""

    def __str__(self) -> str:
        named = {
            "run": self.runs,
            "file": self.files,
            "log": self.logs,
            "model": self.names,
            "model version": self.models,
        }
        parts = [f"{count:,} {name}{'s' * (count != 1)}" for name, count in named.items() if count]
        return ", ".join(parts) or "nothing"
