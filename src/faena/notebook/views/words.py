"""Numbers, lengths of time and states in a view."""

from __future__ import annotations

import math
import re

from faena.kernel import durations
from faena.notebook.views.blocks import Tone

_TONES: dict[str, Tone] = {
    "Completed": "good",
    "Healthy": "good",
    "Failed": "bad",
    "Unhealthy": "bad",
    "Canceled": "soft",
    "Deleted": "soft",
    "Deleting": "soft",
    "Retired": "soft",
    "NotStarted": "wait",
    "Preparing": "wait",
    "Queued": "wait",
    "CancelRequested": "wait",
    "NotResponding": "wait",
    "Transitioning": "wait",
    "Waiting": "wait",
}


_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Among them those that turn the direction of writing, which make a line read otherwise than it is."""


def plain(text: str) -> str:
    """Without what terminals and pages obey instead of showing it."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    return cut(plain(" ".join(text.split())), 500)


def tone(status: str) -> Tone:
    return _TONES.get(status, "go")


def seconds(value: float) -> str:
    """`2 m 05 s`, and so on."""
    return durations.shown(value)


def number(value: float | None, digits: int = 6) -> str:
    """With so many digits that count; `NaN` for None, which is how one is kept."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 10 ** max(6, digits):
        return f"{int(value):,}"
    return f"{value:,.{digits}g}"


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
