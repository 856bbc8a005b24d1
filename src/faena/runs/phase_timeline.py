"""How a run spent its time, as whoever draws it needs it: a bar for each attempt, one above the other. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from faena.kernel import durations
from faena.kernel.clock import Micros
from faena.runs.schemas import PhaseView, RunView

_MOST_LANES = 20
_LABEL, _BAR, _GAP, _TICKS = 16, 16, 8, 18
"""Heights in pixels."""
_LEAST = 0.4
"""Percent of the width: a phase that took no time to speak of can be seen still."""
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 4
_LONGEST = 300


class Bar(Struct, frozen=True):
    name: str
    x: float
    width: float
    """Both in percent of the whole."""
    text: str
    """What it is, for who points at it."""


class Lane(Struct, frozen=True):
    """An attempt. `label` is empty where there is one only; `y` is where its bars begin, its label stands above."""

    label: str
    y: int
    bars: tuple[Bar, ...]


class Tick(Struct, frozen=True):
    x: float
    text: str


class Total(Struct, frozen=True):
    """A line of the legend: a phase of all attempts."""

    name: str
    seconds: float
    goes_on: bool
    blocker: str = ""
    """What it waits for."""


class PhaseTimeline(Struct, frozen=True):
    height: int
    bar: int
    """As tall as a bar is."""
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    legend: tuple[Total, ...]
    said: str
    """All of it in words, for who does not see it."""


class _Span(Struct, frozen=True):
    phase: PhaseView
    begin: float
    """Seconds since the first phase."""
    seconds: float
    goes_on: bool
    blocker: str


def phase_timeline(run: RunView, now: Micros) -> PhaseTimeline:
    """Of the latest attempts, on one axis of time."""
    first = max((each.attempt for each in run.phases), default=0) - _MOST_LANES
    spans = _spans(run, [each for each in run.phases if each.attempt > first], now)
    whole = max((each.begin + each.seconds for each in spans), default=0.0)
    attempts: dict[int, list[_Span]] = {}
    for each in spans:
        attempts.setdefault(max(1, each.phase.attempt), []).append(each)  # 0: before there was any
    is_several = len(attempts) > 1
    ends = {each.number: each.ended for each in run.attempts}
    lanes, said, y = [], [], 0
    for number, own in attempts.items():
        took = durations.shown(sum(each.seconds for each in own))
        ended = f", {ends[number]}" if ends.get(number) else ""
        label = f"Attempt {number}: {took}{ended}" if is_several else ""
        y += _LABEL if label else 0
        lanes.append(Lane(label, y, tuple(_bar(each, whole) for each in own)))
        y += _BAR + _GAP
        said.append((f"{label}: " if label else "") + ", ".join(_words(each) for each in own))
    ticks = _ticks(whole)
    height = max(0, y - _GAP) + (_TICKS if ticks else 0)
    return PhaseTimeline(height, _BAR, tuple(lanes), ticks, _legend(spans), ". ".join(said))


def _spans(run: RunView, phases: Sequence[PhaseView], now: Micros) -> list[_Span]:
    found = []
    begin = min((each.started_at for each in phases), default=0)
    for each in phases:
        goes_on = each.ended_at is None and run.ended_at is None
        end = each.ended_at or (now if goes_on else each.started_at)
        blocker = run.blocker or "" if goes_on else ""
        if len(blocker) > _LONGEST:
            blocker = f"{blocker[: _LONGEST - 1]}…"
        took = max(0, end - each.started_at) / 1e6
        found.append(_Span(each, (each.started_at - begin) / 1e6, took, goes_on, blocker))
    return found


def _bar(span: _Span, whole: float) -> Bar:
    unit = 100 / whole if whole else 0.0
    width = max(_LEAST, span.seconds * unit)
    return Bar(span.phase.name, round(min(span.begin * unit, 100 - width), 3), round(width, 3), _words(span))


def _words(span: _Span) -> str:
    waits = f", waits: {span.blocker}" if span.blocker else ""
    goes_on = " until now" if span.goes_on else ""
    return f"{span.phase.name} {durations.shown(span.seconds)}{goes_on}{waits}"


def _legend(spans: Sequence[_Span]) -> tuple[Total, ...]:
    found: dict[str, Total] = {}
    for each in spans:
        name = each.phase.name
        before = found[name].seconds if name in found else 0.0
        found[name] = Total(name, before + each.seconds, each.goes_on, each.blocker)
    return tuple(found.values())


def _ticks(whole: float) -> tuple[Tick, ...]:
    """Round times since the beginning, a few of them."""
    if not whole > 0:
        return ()
    step = next((each for each in _STEPS if whole / each <= _MOST_TICKS), None)
    if step is None:
        step = 86400.0 * (1 + int(whole / 86400 / _MOST_TICKS))
    count = int(whole / step * (1 + 1e-9))
    return tuple(Tick(round(each * step / whole * 100, 3), _time(each * step)) for each in range(count + 1))


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} m {rest:02d} s" if rest else f"{minutes} min"
    hours = seconds / 3600
    return f"{hours:g} h" if hours < 24 else f"{hours / 24:g} d"
