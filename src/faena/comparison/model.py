"""What differs between two runs, as frozen values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

SECTIONS = (
    "status",
    "code",
    "git",
    "packages",
    "arguments",
    "variables",
    "data",
    "machine",
    "phases",
    "metrics",
)

Value = str | float | None


class Change(Struct, frozen=True):
    """One thing that differs. A value that is None is not there."""

    name: str
    left: Value
    right: Value
    difference: float | None = None
    """`right - left`, where both are finite numbers."""
    text: str = ""
    """Of a text file that differs: its unified diff."""

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        if self.left is None:
            return "added"
        return "removed" if self.right is None else "changed"


class Section(Struct, frozen=True):
    """One aspect of two runs."""

    name: str
    """One of `SECTIONS`."""
    changes: tuple[Change, ...]
    """Empty: nothing differs."""
    same: int = 0
    """How many things were compared and are equal."""
    note: str = ""
    """Why it could not be compared, or what must be known beside it."""

    def __bool__(self) -> bool:
        return bool(self.changes)
