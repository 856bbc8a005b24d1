"""A log as a plain terminal would show it: no colours, no links, a progress bar as the one line that it is. No I/O."""

from __future__ import annotations

import re

from msgspec import Struct

LONGEST = 4000
"""Characters of a line that are shown."""
_LONGEST_ESCAPE = 4096

_CSI = r"(?:\x1b\[|\x9b)"
_STRING = r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])"
_TEXT = r"[^\x07\x1b\x90\x98\x9b-\x9f]*+"
"""Of a string, up to its end or whatever else may begin one: no character is read for two strings."""
_ESCAPE = re.compile(
    rf"""
    # colours and moves of the cursor
    {_CSI} [0-?]*+ [ -/]*+ [@-~]
    # links, titles and their kin
  | {_STRING} {_TEXT} (?: \x07 | \x1b\\ | \x9c )
    # others
  | \x1b [ -/]*+ [0-Z\\^-~]
    """,
    re.VERBOSE,
)
_BEGUN = re.compile(rf"(?:{_CSI}[0-?]*+[ -/]*+|{_STRING}{_TEXT}\x1b?|\x1b[ -/]*+)\Z")
_CONTROLS = re.compile("[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Among them those that turn the direction of writing, which make a line read otherwise than it is."""


class Shown(Struct, frozen=True):
    text: str
    """Lines that have ended, each with its line break."""
    open: str
    """The line that has not ended, as it is now."""


class Console:
    """Gets a log in parts, cut anywhere."""

    def __init__(self) -> None:
        self._rest = ""
        self._line = ""
        self._cut = 0
        """Characters of the line that has not ended, before those that are kept."""

    def feed(self, text: str) -> Shown:
        text = _ESCAPE.sub("", self._rest + text)
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST_ESCAPE))
        at = begun.start() if begun else len(text)
        if text[at - 1 : at] == "\r":  # whether a line break follows is not known yet
            at -= 1
        text, self._rest = text[:at], text[at:]
        *ended, line = (self._line + text.replace("\r\n", "\n")).split("\n")
        cuts = [0 if "\r" in first else self._cut for first in (*ended, line)[:1]] + [0] * len(ended)
        line = _overwritten(line)
        self._line = line[-_LONGEST_ESCAPE:]
        self._cut = cuts[-1] + len(line) - len(self._line)
        lines = "".join(f"{_line(each, cut)}\n" for each, cut in zip(ended, cuts, strict=False))
        return Shown(lines, _line(self._line, self._cut))


def shown(text: str) -> Shown:
    """All of a text at once."""
    return Console().feed(text)


def _line(text: str, cut: int = 0) -> str:
    """`cut`: how many characters of the line came before the text."""
    text = _CONTROLS.sub("", _overwritten(text))
    length = cut + len(text)
    return text if length <= LONGEST else f"{text[:LONGEST]}… ({length:,} characters)"


def _overwritten(line: str) -> str:
    """What stands behind the last carriage return, as long as something does; backspaces take a character each."""
    line = line.rstrip("\r").rpartition("\r")[2]
    if "\b" not in line:
        return line
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)
