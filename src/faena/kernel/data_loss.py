"""What of a process's records is lost, in sentences for the reader of its run.

Each begins with `about`: a later sentence about the same takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from faena.kernel.plural import counted

CODES = frozenset({"RecordsDropped", "SpoolCut", "SpoolDamaged", "SpoolGone"})
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
        f"{about}could not write {counted(records, 'record')} of what it logged: its disk was full.",
    )


def damaged(writer: str, count: int) -> Loss:
    """Bytes of a spool that are there and say nothing."""
    about = f"Process {writer} "
    return Loss(
        "SpoolDamaged",
        about,
        f"{about}logged {counted(count, 'byte')} that cannot be taken: its spool is damaged, or records in it are of "
        f"no known form. {_as_numbers(count)}",
    )


def cut(stream: str, kept: int, left: int, lost: int) -> Loss:
    """A file that somebody made shorter than what had been kept of it."""
    about = f"{_named(stream)} "
    return Loss(
        "SpoolCut",
        about,
        f"{about}was cut to {counted(left, 'byte')} after {counted(kept, 'byte')} of it had been kept: "
        f"{_lost(stream, lost)}",
    )


def gone(stream: str, kept: int, lost: int) -> Loss:
    """A file that somebody removed."""
    about = f"{_named(stream)} "
    return Loss(
        "SpoolGone",
        about,
        f"{about}was removed before the run had ended, after {counted(kept, 'byte')} of it had been kept: "
        f"{_lost(stream, lost)}",
    )


def _named(stream: str) -> str:
    kind, _, name = stream.partition("/")
    return f"The spool of process {name}" if kind == "spool" else f"The log {name}"


def _lost(stream: str, count: int) -> str:
    if not count:
        return "as far as is known, nothing else had been written."
    numbers = f" {_as_numbers(count)}" if stream.startswith("spool/") else ""
    return f"what was written afterwards is lost, {counted(count, 'byte')} as far as is known.{numbers}"


def _as_numbers(count: int) -> str:
    return f"As single numbers that would be {max(1, count // _NUMBER):,}."
