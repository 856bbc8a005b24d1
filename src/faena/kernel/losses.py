"""What of a process's records is lost, in sentences for the reader of its run.

Each begins with `about`: a later sentence about the same takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass

_NUMBER = 40
"""Bytes of the record of a single number."""


@dataclass(frozen=True, slots=True)
class Loss:
    code: str
    about: str
    message: str


def dropped(writer: str, records: int) -> Loss:
    """The process itself has counted them."""
    about = f"Process {writer} "
    return Loss(
        "RecordsDropped",
        about,
        f"{about}could not write {records} records of what it logged: its disk was full.",
    )


def damaged(writer: str, count: int) -> Loss:
    """Bytes of a spool that are there and say nothing."""
    about = f"Process {writer} "
    return Loss(
        "SpoolDamaged",
        about,
        f"{about}logged {count:,} bytes that cannot be read: its spool is damaged. {_as_numbers(count)}",
    )


def cut(stream: str, kept: int, left: int, lost: int) -> Loss:
    """A file that somebody made shorter than what had been kept of it."""
    about = f"{_named(stream)} "
    return Loss(
        "SpoolCut",
        about,
        f"{about}was cut to {left:,} bytes after {kept:,} bytes of it had been kept: {lost:,} bytes that were written "
        f"afterwards are lost, as far as is known. {_as_numbers(lost)}".strip(),
    )


def gone(stream: str, kept: int, lost: int) -> Loss:
    """A file that somebody removed."""
    about = f"{_named(stream)} "
    return Loss(
        "SpoolGone",
        about,
        f"{about}was removed before the run had ended, after {kept:,} bytes of it had been kept: what was written "
        f"afterwards is lost, {lost:,} bytes as far as is known. {_as_numbers(lost)}".strip(),
    )


def _named(stream: str) -> str:
    kind, _, name = stream.partition("/")
    return f"The spool of process {name}" if kind == "spool" else f"The log {name}"


def _as_numbers(count: int) -> str:
    return f"Were they single numbers, {max(1, count // _NUMBER):,} of them are lost." if count else ""
