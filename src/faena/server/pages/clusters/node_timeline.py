"""The nodes of clusters over the last hour or day, as bars: places in thousandths of the time that is shown. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.runs.node_times import Stretch
from faena.server.pages import words
from faena.server.pages.rendering import run_address

SPANS = {"hour": 3600, "day": 86400}
_MOST_LANES, _MOST_BARS, _MOST_LINES = 40, 1000, 100
_LEAST = 2.0
"""Thousandths that the shortest bar has, so that it is seen."""
_TICKS = 4


class Bar(Struct, frozen=True):
    x: float
    width: float
    status: str
    address: str
    said: str


class Lane(Struct, frozen=True):
    node: str
    bars: list[Bar]


class Listed(Struct, frozen=True):
    """The same in words."""

    node: str
    run: str
    address: str
    status: str
    begin: Micros
    seconds: float


class Timeline(Struct, frozen=True):
    lanes: list[Lane]
    more: int
    """Nodes that are not shown."""
    ticks: list[str]
    """Times of day, evenly apart."""
    lines: list[Listed]
    more_lines: int


def build(found: Sequence[Stretch], nodes: Iterable[str], begin: Micros, now: Micros) -> Timeline:
    """`found`: of one cluster, the latest first. `nodes`: those that it has now, which come first."""
    by_node: dict[str, list[Stretch]] = {node: [] for node in nodes}
    for each in found:
        by_node.setdefault(each.node, []).append(each)
    left = _MOST_BARS
    lanes = []
    for node, stretches in list(by_node.items())[:_MOST_LANES]:
        lanes.append(Lane(node, [_bar(each, begin, now) for each in reversed(stretches[:left])]))
        left = max(0, left - len(stretches))
    step = (now - begin) / _TICKS
    return Timeline(
        lanes=lanes,
        more=max(0, len(by_node) - _MOST_LANES),
        ticks=[_time(begin + step * each) for each in range(_TICKS)] + ["now"],
        lines=[_listed(each) for each in found[:_MOST_LINES]],
        more_lines=max(0, len(found) - _MOST_LINES),
    )


def _bar(each: Stretch, begin: Micros, now: Micros) -> Bar:
    scale = 1000 / (now - begin)
    x = max(0.0, (each.begin - begin) * scale)
    width = max(_LEAST, (each.end - begin) * scale - x)
    x = min(x, 1000 - width)
    took = words.seconds((each.end - each.begin) / 1e6)
    again = f", attempt {each.attempt}" if each.attempt > 1 else ""
    said = f"{each.title}{again}: {each.status}, {took} from {words.when(each.begin)}"
    return Bar(round(x, 1), round(width, 1), each.status, run_address(each.run_id), said)


def _listed(each: Stretch) -> Listed:
    seconds = (each.end - each.begin) / 1e6
    return Listed(each.node, each.title, run_address(each.run_id), each.status, each.begin, seconds)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at / 1e6).astimezone().strftime("%H:%M")
