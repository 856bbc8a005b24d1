"""The order of a sweep's trials, as its page has it: by what is known of all of them, without decoding any."""

from __future__ import annotations

from collections.abc import Mapping

from faena.db import Read
from faena.sweeps import glances, ranking, trial_store, views
from faena.sweeps.comparing import finite, mean_with
from faena.sweeps.glances import Standing
from faena.sweeps.model import Sweep, TrialState
from faena.sweeps.schemas import Goal, TrialView


def standings(read: Read, sweep: Sweep) -> dict[int, Standing]:
    """By number; of those trials that go on what they have come to so far."""
    known = glances.standings(read, sweep.run_id)
    for trial in _going(read, sweep):
        if (before := known.get(trial.number)) is not None:
            known[trial.number] = before._replace(value=finite(trial.value))
    return known


def _going(read: Read, sweep: Sweep) -> list[TrialView]:
    return views.show(read, sweep, trial_store.in_state(read, sweep.run_id, TrialState.OPEN))


def ranked(sweep: Sweep, known: Mapping[int, Standing]) -> list[int]:
    """Numbers of trials from the best to the worst, then those without a value."""
    goal = sweep.spec.objectives[0].goal
    valued = [each for each in known.values() if each.value is not None]
    numbers = _by_mean(sweep, valued) if sweep.spec.repeats > 1 else _by_value(goal, valued)
    return numbers + [each.number for each in known.values() if each.value is None]


def _by_mean(sweep: Sweep, valued: list[Standing]) -> list[int]:
    """Trials with the same parameters stand together, by their mean: as `ranking.averaged` says, in half its time."""
    goal = sweep.spec.objectives[0].goal
    groups: dict[str, list[Standing]] = {}
    for each in valued:
        groups.setdefault(each.digest, []).append(each)
    means = [_mean(group, sweep.spec.repeats) for group in groups.values()]
    return [number for mean in ranking.ranked(goal, means) for number in _by_value(goal, groups[mean.digest])]


def _mean(group: list[Standing], repeats: int) -> ranking.Result:
    mean: float | None = None
    for count, each in enumerate(group, 1):
        mean = mean_with(mean, each.value or 0.0, count)
    return ranking.Result(
        group[0].number,
        (mean,),
        digest=group[0].digest,
        is_allowed=all(each.allowed for each in group),
        is_whole=len(group) >= repeats,
    )


def _by_value(goal: Goal, valued: list[Standing]) -> list[int]:
    sign = -1 if goal == "maximize" else 1
    places = sorted((not each.allowed, sign * (each.value or 0.0), each.number) for each in valued)
    return [number for *_, number in places]


class Order:
    """All of a sweep's trials as they are ranked."""

    def __init__(self, read: Read, sweep: Sweep) -> None:
        known = standings(read, sweep)
        self._ranked = ranked(sweep, known)
        self._valued = sum(1 for each in known.values() if each.value is not None)
        first = known[self._ranked[0]] if self._valued else None
        self.best = first.number if first is not None and first.allowed else None

    def page(self, start: int, count: int, *, worst_first: bool) -> list[int]:
        numbers = self._ranked
        if worst_first:
            numbers = numbers[: self._valued][::-1] + numbers[self._valued :]
        return numbers[start : start + count]


def best(read: Read, sweep: Sweep, order: Order | None) -> TrialView | None:
    """Of those that are allowed and have a value. `order`: where it is known, and where means count."""
    if order is not None:
        numbers = [] if order.best is None else [order.best]
        shown = views.show(read, sweep, glances.numbered(read, sweep.run_id, numbers))
        return next((each for each in shown if finite(each.value) is not None), None)
    ended = glances.first_by_value(read, sweep.run_id, sweep.spec.objectives[0].goal)
    candidates = [*views.show(read, sweep, [ended] if ended else []), *_going(read, sweep)]
    found = {each.number: each for each in candidates if finite(each.value) is not None and each.allowed}
    known = {number: Standing(number, each.value, True, "") for number, each in found.items()}
    return found[ranked(sweep, known)[0]] if known else None
