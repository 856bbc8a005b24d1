"""A sweep as its charts draw it: so many trials, so many points, whatever there is of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from faena.db import Read
from faena.kernel.errors import NotFound
from faena.objects.contract import ObjectFiles
from faena.server.pages.charts.curves import curve
from faena.server.pages.sweeps import words as sweep_words
from faena.server.pages.sweeps.order import ranked, standings
from faena.sweeps import glances, trial_store
from faena.sweeps.arguments import bare
from faena.sweeps.comparing import is_better
from faena.sweeps.glances import Standing
from faena.sweeps.model import Sweep, TrialState
from faena.sweeps.schemas import Goal
from faena.tracking.model import SCRIPT

MOST_LINES = 800
"""Trials in parallel coordinates: half of them the best, half the latest."""
MOST_AXES = 10
_MOST_POINTS = 1_000
_MOST_OPTIONS = 12
"""Different values beyond which a parameter is not drawn as one of some options."""
MOST_CURVES = 60
_BEST_CURVES = 20


class History(msgspec.Struct, frozen=True):
    """What each trial came to, by number, and the best until then."""

    numbers: list[int]
    values: list[float]
    best_numbers: list[int]
    best_values: list[float]
    last: int
    """Number of the latest trial."""


class Axis(msgspec.Struct, frozen=True):
    name: str
    kind: str
    """number, log, options"""
    options: list[str]
    """As they are shown, from the lowest place up; empty unless `kind` is options."""
    values: list[float | None]
    """Of each trial: a number, or the place of its option; None where it is not set."""


class SweepData(msgspec.Struct, frozen=True):
    metric: str
    goal: str
    total: int
    valued: int
    """Trials that have a value."""
    history: History
    numbers: list[int]
    """Of the trials whose values the axes have."""
    values: list[float]
    axes: list[Axis]
    more_axes: int


def build(read: Read, sweep: Sweep) -> SweepData:
    objective = sweep.spec.objectives[0]
    known = standings(read, sweep)
    found = [each for each in known.values() if each.value is not None]
    numbers = _chosen(ranked(sweep, known)[: len(found)])
    parameters = glances.parameters(read, sweep.run_id, numbers)
    kinds = sweep_words.kinds(sweep.spec.space)
    names = [name for name in kinds if name in sweep.space.parameters]
    given = [{bare(name): each for name, each in parameters.get(number, {}).items()} for number in numbers]
    return SweepData(
        metric=objective.name,
        goal=objective.goal,
        total=len(known),
        valued=len(found),
        history=_history(found, objective.goal, max(known, default=0)),
        numbers=numbers,
        values=[known[number].value or 0.0 for number in numbers],
        axes=[axis(name, kinds[name], [each.get(name) for each in given]) for name in names[:MOST_AXES]],
        more_axes=max(0, len(names) - MOST_AXES),
    )


def _chosen(order: Sequence[int]) -> list[int]:
    """Numbers in order: all, or the best and the latest."""
    if len(order) <= MOST_LINES:
        return sorted(order)
    chosen = set(order[: MOST_LINES // 2])
    for number in sorted(order, reverse=True):
        if len(chosen) == MOST_LINES:
            break
        chosen.add(number)
    return sorted(chosen)


def _history(found: Sequence[Standing], goal: Goal, last: int) -> History:
    best: list[tuple[int, float]] = []
    points = [(each.number, each.value) for each in found if each.value is not None]
    allowed = {each.number for each in found if each.allowed}
    for number, value in points:
        if number in allowed and is_better(goal, value, best[-1][1] if best else None):
            best.append((number, value))
    points = _thinned(points)
    if len(best) > _MOST_POINTS:
        best = [*best[:: len(best) // _MOST_POINTS + 1], best[-1]]
    return History(
        numbers=[number for number, _ in points],
        values=[value for _, value in points],
        best_numbers=[number for number, _ in best],
        best_values=[value for _, value in best],
        last=last,
    )


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Of each stretch of numbers the least and the greatest value, where there are more than can be told apart."""
    if len(points) <= _MOST_POINTS:
        return points
    size = -(-len(points) * 2 // _MOST_POINTS)
    kept: list[tuple[int, float]] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {min(part, key=lambda each: each[1]), max(part, key=lambda each: each[1])}
        kept += sorted(ends)
    return kept


def axis(name: str, kind: str, values: Sequence[Any]) -> Axis:
    """Numbers on a scale, everything else, and few numbers to choose from, as options side by side."""
    set_values = [each for each in values if each is not None]
    texts = {sweep_words.value(each) for each in set_values}
    are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in set_values)
    if are_numbers and not (kind in ("choice", "") and len(texts) <= _MOST_OPTIONS):
        is_log = "log" in kind and all(each > 0 for each in set_values)
        scale = "log" if is_log else "number"
        return Axis(name, scale, [], [None if each is None else float(each) for each in values])
    order = {sweep_words.value(each): float(each) if are_numbers else 0.0 for each in set_values}
    options = sorted(texts, key=lambda text: (order[text], text))
    place = {text: float(at) for at, text in enumerate(options)}
    return Axis(
        name,
        "options",
        options,
        [None if each is None else place[sweep_words.value(each)] for each in values],
    )


class TrialCurve(msgspec.Struct, frozen=True):
    number: int
    is_live: bool
    x: list[float]
    y: list[float]


class TrialCurves(msgspec.Struct, frozen=True):
    metric: str
    shown: list[int]
    """Numbers of all trials to be drawn, those that the asker has among them."""
    best: int | None
    total: int
    curves: list[TrialCurve]


def curves(
    read: Read, objects: ObjectFiles, sweep: Sweep, pixels: int, have: Collection[int] = ()
) -> TrialCurves:
    """Of the best trials, of those that go on, and of the latest. `have`: of which the asker has the whole curve."""
    name = sweep.spec.objectives[0].name
    known = standings(read, sweep)
    order = ranked(sweep, known)
    going = [trial.number for trial in trial_store.in_state(read, sweep.run_id, TrialState.OPEN)]
    chosen = dict.fromkeys(order[:_BEST_CURVES])
    for number in [*going[::-1], *sorted(order, reverse=True)]:
        if len(chosen) == MOST_CURVES:
            break
        chosen.setdefault(number)
    found = []
    for trial in glances.numbered(read, sweep.run_id, [each for each in chosen if each not in have]):
        with suppress(NotFound):
            drawn = curve(read, objects, str(trial.run_id), name, SCRIPT, pixels)
            is_live = trial.state is not TrialState.ENDED
            found.append(TrialCurve(trial.number, is_live, drawn.x, drawn.y))
    best = order[0] if order and known[order[0]].value is not None and known[order[0]].allowed else None
    return TrialCurves(name, sorted(chosen), best, len(order), found)
