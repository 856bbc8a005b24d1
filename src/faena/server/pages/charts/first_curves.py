"""The curves that a page asks for first, by the address that its script uses: a browser need not have read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args
from urllib.parse import urlencode

from faena.tracking.model import SCRIPT
from faena.tracking.overlay import OverlayAxis

BUCKETS = 480
"""As `curve_data.js`: what a chart of usual width asks for."""
_CURVES, _CHARTS = 100, 6


def address(runs: Sequence[str], names: Sequence[str], axis: str = "", search: str = "") -> str:
    """Empty where the page may ask for others; `axis` and `search` are those of the page's own address."""
    if not runs or not names or search or axis not in ("", *get_args(OverlayAxis)):
        return ""
    first = names[: max(1, min(_CHARTS, _CURVES // len(runs)))]
    how = [("axis", axis or "step"), ("source", SCRIPT), ("buckets", str(BUCKETS))]
    wanted = [*how, *(("run", each) for each in runs), *(("name", each) for each in first)]
    return f"/ui/curves?{urlencode(wanted)}"
