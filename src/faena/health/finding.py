"""What a check found, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from faena.health.subject import Subject


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works; something is lost, or will be."""
    PROBLEM = "problem"
    """Something does not work, or is about to stop."""


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    state: State
    found: str
    remedy: str = ""
    """What to do: a command where there is one. Empty where nothing need be done."""


Check = Callable[[Subject], Iterator[Finding]]
"""Looks at one thing, changes nothing."""


def ok(name: str, found: str) -> Finding:
    return Finding(name, State.OK, found)


def warning(name: str, found: str, remedy: str) -> Finding:
    return Finding(name, State.WARNING, found, remedy)


def problem(name: str, found: str, remedy: str) -> Finding:
    return Finding(name, State.PROBLEM, found, remedy)


def size(count: float) -> str:
    """`1.5 GB`: bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
