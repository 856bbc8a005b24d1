"""Times, lengths and numbers as a page shows them. No I/O."""

from __future__ import annotations

import math
import re
from datetime import datetime

from markupsafe import Markup

from faena.kernel import durations
from faena.kernel.clock import Micros, iso
from faena.kernel.sizes import shown as size

__all__ = ["iso", "number", "seconds", "size", "unbroken", "visible", "when"]
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def when(at: Micros | None) -> str:
    """`26 Nov 2026, 14:05:09` on the server's clock, which is that of the reader's own host."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at / 1e6).astimezone().strftime("%d %b %Y, %H:%M:%S").lstrip("0")
    except (OverflowError, ValueError, OSError):
        return ""


class Given(str):
    """A text that comes back as it is, in a form's field."""

    __slots__ = ()


def given(value: object) -> Given:
    """For the value of a form's field."""
    return Given("" if value is None else value)


def something(value: object) -> object:
    """What a template shows of a value: nothing where there is none."""
    if value is None:
        return ""
    return visible(value) if type(value) is str and not value.isprintable() else value


def visible(text: str) -> str:
    """With the code of each character that nobody sees, or that makes the text around it read otherwise than it is.

    In JSON these codes mean the characters themselves.
    """
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def unbroken(text: str) -> Markup:
    """A command, which a page breaks between its words alone: not at hyphens, as browsers do."""
    word = Markup('<span class="word">{}</span>')
    return Markup(" ").join(word.format(each) if "-" in each else each for each in visible(text).split(" "))


def seconds(value: float | None) -> str:
    """`2 m 05 s`, and so on; nothing for None."""
    return "" if value is None else durations.shown(value)


def number(value: float | int | None) -> str:
    """Six digits that count, with commas in the thousands; `NaN` for None, which is how one is kept."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.6g}"
