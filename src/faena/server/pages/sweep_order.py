"""The order of a sweep's trials, as its page has it: by what is known of all of them, without decoding any."""

from __future__ import annotations

from collections.abc import Mapping

from faena.db import Read
from faena.sweeps import glances, ranking, service, store
from faena.sweeps.comparing import finite
from faena.sweeps.glances import Standing
from faena.sweeps.model import Sweep, TrialState
from faena.sweeps.schemas import TrialView


def standings(read: Read, sweep: Sweep) -> dict[int, Standing]:
    """By number; of those trials that go on what they have come to so far."""
    known = glances.standings(read, sweep.run_id)
    for trial in _going(read, sweep):
        if (before := known.get(trial.number)) is not None:
            known[trial.number] = before._replace(value=finite(trial.value))
    return known


def _going(read: Read, sweep: Sweep) -> list[TrialView]:
    return service.show(read, sweep, store.in_state(read, sweep.run_id, TrialState.OPEN))


def ranked(sweep: Sweep, known: Mapping[int, Standing]) -> list[int]:
    """Numbers of trials from the best to the worst, then those without a value."""
    goal = sweep.spec.objectives[0].goal
    valued = [each for each in known.values() if each.value is not None]
    if sweep.spec.repeats > 1:
        numbers = _by_mean(sweep, valued)
    else:
        sign = -1 if goal == "maximize" else 1
        places = sorted((not each.allowed, sign * (each.value or 0.0), each.number) for each in valued)
        numbers = [number for *_, number in places]
    return numbers + [each.number for each in known.values() if each.value is None]


def _by_mean(sweep: Sweep, valued: list[Standing]) -> list[int]:
    """Trials with the same parameters stand together, by the mean of their values."""
    goal = sweep.spec.objectives[0].goal
    single = {each.number: _result(each) for each in valued}
    numbers: list[int] = []
    for group in ranking.ranked(goal, ranking.averaged(single.values(), sweep.spec.repeats)):
        if len(group.numbers) < 2:
            numbers.append(group.number)
        else:
            numbers += [each.number for each in ranking.ranked(goal, [single[n] for n in group.numbers])]
    return numbers


def _result(each: Standing) -> ranking.Result:
    return ranking.Result(each.number, (each.value,), digest=each.digest, is_allowed=each.allowed)


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
        shown = service.show(read, sweep, glances.numbered(read, sweep.run_id, numbers))
        return next((each for each in shown if finite(each.value) is not None), None)
    ended = glances.first_by_value(read, sweep.run_id, sweep.spec.objectives[0].goal)
    candidates = [*service.show(read, sweep, [ended] if ended else []), *_going(read, sweep)]
    found = {each.number: each for each in candidates if finite(each.value) is not None and each.allowed}
    known = {number: Standing(number, each.value, True, "") for number, each in found.items()}
    return found[ranked(sweep, known)[0]] if known else None
