"""Colours of a terminal as marks in a text, one character each, that a page makes classes of. No I/O.

A mark says how what follows it looks, up to the next one. Backgrounds are left out, and shades become the nearest of
sixteen colours or none: what is read on a page must be readable in light and dark.
"""

from __future__ import annotations

import re

from msgspec import Struct

_FIRST = 0x10F000
"""Of a plane that is for private use: what a script writes of it is left out."""
_COLOURS = 17
"""None, eight, and the eight bright ones."""
MARKS = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + 0xFF)}]")
_MOST_CODES = 32


class Piece(Struct, frozen=True):
    text: str
    classes: str = ""


def mark(style: int) -> str:
    return chr(_FIRST + style)


def last(text: str, style: int) -> int:
    """How what follows the text looks, where it began with `style`."""
    found = MARKS.findall(text)
    return ord(found[-1]) - _FIRST if found else style


def changed(style: int, parameters: str) -> int:
    """By a sequence `ESC [ parameters m`."""
    colour, bold = style % _COLOURS, style >= _COLOURS
    codes = iter([_code(each) for each in parameters.replace(":", ";").split(";")[:_MOST_CODES]])
    for code in codes:
        if code == 0:
            colour, bold = 0, False
        elif code == 1:
            bold = True
        elif code == 22:
            bold = False
        elif 30 <= code <= 37:
            colour = code - 29
        elif 90 <= code <= 97:
            colour = code - 81
        elif code == 39:
            colour = 0
        elif code in (38, 48):
            kind = next(codes, -1)
            given = [next(codes, -1) for _ in range({5: 1, 2: 3}.get(kind, 0))]
            if code == 38:  # of 256 the first sixteen; others are none
                colour = given[0] + 1 if kind == 5 and 0 <= given[0] < 16 else 0
    return colour + _COLOURS * bold


def pieces(text: str) -> list[Piece]:
    """The text without its marks, cut where it changes its look."""
    found: list[Piece] = []
    style, begun = 0, 0
    for each in MARKS.finditer(text):
        _add(found, text[begun : each.start()], style)
        style, begun = ord(each.group()) - _FIRST, each.end()
    _add(found, text[begun:], style)
    return found


def _add(found: list[Piece], text: str, style: int) -> None:
    if not text:
        return
    classes = _classes(style)
    if found and found[-1].classes == classes:
        found[-1] = Piece(found[-1].text + text, classes)
    else:
        found.append(Piece(text, classes))


def _classes(style: int) -> str:
    colour, bold = style % _COLOURS, style >= _COLOURS
    return " ".join([*([f"ansi-{colour}"] if colour else []), *(["ansi-b"] if bold else [])])


def _code(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0 if not text else -1
