"""The last traceback in a log: its exception, and those that led to it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 64 << 10
_LONGEST_LINE = 2000
_LONGEST_SHOWN = 300
_MOST_AFTER = 25
"""Lines that may follow an exception which ended a script: its message, other processes, what runs at exit."""
_MOST_OF_MESSAGE = 20

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_RANK = re.compile(r"^\[rank\d{1,6}\]:\s?")
_HEADER = "Traceback (most recent call last)"
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]{0,200})(?:: (.*))?\Z")
_IN_A_NOTEBOOK = re.compile(r"([A-Za-z_]\w{0,100})\s+Traceback \(most recent call last\)")
_LEADING = ("The above exception was the direct cause", "During handling of the above exception")
_SYNTAX = ("SyntaxError: ", "IndentationError: ", "TabError: ")


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of the log."""

    kind: str
    """Its class, without the module."""
    message: str
    traceback: str
    """The lines of the traceback, which name files and show what they do."""

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.kind, first_words(self.message)]))


def first_words(text: str) -> str:
    """The first line that says something, as it stands in a sentence: of a progress bar its last state."""
    line = text.strip().split("\n")[0].rpartition("\r")[2]
    shown = "".join(letter if letter.isprintable() else " " for letter in line).strip()
    return shown[:_LONGEST_SHOWN].rstrip(". ") + ("…" if len(shown) > _LONGEST_SHOWN else "")


def last_lines(log: Path) -> list[str]:
    """The end of a log, without colours; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST_BYTES))
            text = file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    lines = _COLOURS.sub("", text).rstrip().split("\n")
    return [_RANK.sub("", line[:_LONGEST_LINE].rstrip("\r")) for line in lines]


def raised(lines: Sequence[str]) -> list[Raised]:
    """The exception that the log ends with, then what it was raised for; empty where the log goes on after it."""
    headers = [place for place, line in enumerate(lines) if _HEADER in line]
    found: list[Raised] = []
    end = len(lines)
    for place in reversed(headers):
        exception, after = _exception(lines, place, end)
        if found and not any(line.startswith(_LEADING) for line in lines[max(after, end - 4) : end]):
            break
        if exception is None or (not found and _filled(lines[after:end]) > _MOST_AFTER):
            break
        found.append(exception)
        end = place
    return found or _without_traceback(lines)


def _filled(lines: Sequence[str]) -> int:
    return sum(bool(line.strip()) for line in lines)


def _exception(lines: Sequence[str], header: int, end: int) -> tuple[Raised | None, int]:
    """The exception of the traceback that begins at `header`, and the place after its first line."""
    notebook = _IN_A_NOTEBOOK.match(lines[header])
    for place in range(header + 1, end):
        line = lines[place]
        if not line or line[0].isspace():
            continue
        match = _EXCEPTION.match(line)
        if match is None or (notebook is not None and match[1].rpartition(".")[2] != notebook[1]):
            if notebook is not None:
                continue
            return None, place
        stop = place + 1
        while stop < min(end, place + _MOST_OF_MESSAGE) and lines[stop].strip():
            stop += 1
        message = "\n".join([match[2] or "", *lines[place + 1 : stop]])
        return Raised(match[1].rpartition(".")[2], message, "\n".join(lines[header:place])), place + 1
    return None, end


def _without_traceback(lines: Sequence[str]) -> list[Raised]:
    """Python shows no traceback for a mistake in the script's own syntax."""
    for place in range(len(lines) - 1, max(-1, len(lines) - _MOST_AFTER), -1):
        if lines[place].startswith(_SYNTAX):
            kind, _, message = lines[place].partition(": ")
            return [Raised(kind, message, "\n".join(lines[max(0, place - 4) : place]))]
    return []
