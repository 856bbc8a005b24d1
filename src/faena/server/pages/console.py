"""A log as a plain terminal would show it: no links, a progress bar as one line, colours as marks. No I/O."""

from __future__ import annotations

import re

from msgspec import Struct

from faena.server.pages import colours

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
_COLOUR = re.compile(rf"{_CSI}([0-9;:]*+)m")
_CONTROLS = re.compile("[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Among them those that turn the direction of writing, which make a line read otherwise than it is."""


class Shown(Struct, frozen=True):
    text: str
    """Lines that have ended, each with its line break."""
    open: str
    """The line that has not ended, as it is now."""


class Console:
    """Gets a log in parts, cut anywhere. `coloured`: with marks of colours, which `colours.pieces` makes use of."""

    def __init__(self, *, coloured: bool = False) -> None:
        self._coloured = coloured
        self._style = 0
        """How what comes next looks."""
        self._start = 0
        """How the line that has not ended begins."""
        self._rest = ""
        self._line = ""
        self._cut = 0
        """Characters of the line that has not ended, before those that are kept."""

    def feed(self, text: str) -> Shown:
        text = _ESCAPE.sub(self._mark, self._rest + colours.MARKS.sub("", text))
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST_ESCAPE))
        at = begun.start() if begun else len(text)
        if text[at - 1 : at] == "\r":  # whether a line break follows is not known yet
            at -= 1
        text, self._rest = text[:at], text[at:]
        *ended, line = (self._line + text.replace("\r\n", "\n")).split("\n")
        cuts = [0 if "\r" in first else self._cut for first in (*ended, line)[:1]] + [0] * len(ended)
        lines: list[str] = []
        for each, cut in zip(ended, cuts, strict=False):
            lines.append(f"{self._shown(each, cut)}\n")
            self._start = colours.last(each, self._start) if self._coloured else 0
        line, start = _overwritten(line, self._start)
        kept = line[-_LONGEST_ESCAPE:]
        self._start = colours.last(line[: len(line) - len(kept)], start) if self._coloured else 0
        self._line = kept
        self._cut = cuts[-1] + len(line) - len(kept)
        return Shown("".join(lines), self._shown(kept, self._cut))

    def _shown(self, line: str, cut: int) -> str:
        """`cut`: how many characters of the line came before."""
        text, start = _overwritten(line, self._start)
        text = _CONTROLS.sub("", text)
        length = cut + len(text)
        text = text if length <= LONGEST else f"{text[:LONGEST]}… ({length:,} characters)"
        return colours.mark(start) + text if self._coloured else text

    def _mark(self, escape: re.Match[str]) -> str:
        """Of a colour; nothing in the place of any other sequence."""
        if not self._coloured or (found := _COLOUR.fullmatch(escape.group())) is None:
            return ""
        self._style = colours.changed(self._style, found[1])
        return colours.mark(self._style)


def shown(text: str, *, coloured: bool = False) -> Shown:
    """All of a text at once."""
    return Console(coloured=coloured).feed(text)


def without_escapes(text: str) -> str:
    """For who looks for words in it."""
    return _ESCAPE.sub("", text)


def _overwritten(line: str, start: int) -> tuple[str, int]:
    """What stands behind the last carriage return, as long as something does; backspaces take a character each."""
    before, _, line = line.rstrip("\r").rpartition("\r")
    start = colours.last(before, start) if before else start
    if "\b" not in line:
        return line, start
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept), start
