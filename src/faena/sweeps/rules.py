"""The rule of each stopping policy, and the words of what it decides. No I/O.

Each is asked about a running trial at the interval that it reached, and answers with a decision to stop it, or None.
"""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.plural import counted
from faena.sweeps import rungs
from faena.sweeps.comparing import from_key, is_worse, key_of, shown
from faena.sweeps.progress import Progress, Reached
from faena.sweeps.schemas import Goal, Policy


class Decision(Struct, frozen=True):
    """A trial was stopped. `value` against `limit`, which was computed from `reference`; `text` says it to people."""

    policy: str
    interval: int
    value: float | None
    reference: float | None
    limit: float | None
    text: str


def bandit(policy: Policy, goal: Goal, reached: Reached, progress: Progress) -> Decision | None:
    best = progress.best_until(reached.interval)
    if best is None or reached.best is None:
        return None
    limit, computed = _slack(policy, goal, best)
    if not is_worse(goal, reached.best, limit, best):
        return None
    return _decision(policy, reached, best, limit, computed)


def _slack(policy: Policy, goal: Goal, best: float) -> tuple[float, str]:
    """How far a trial may be behind the best, and how that is computed."""
    away, sign = (-1, "-") if goal == "maximize" else (1, "+")
    of_best = shown(best)
    if policy.slack_amount is not None:
        return best + away * policy.slack_amount, f"{of_best} {sign} {shown(policy.slack_amount)}"
    factor = policy.slack_factor or 0.0
    if best > 0:
        if goal == "maximize":
            return best / (1 + factor), f"{of_best} / {shown(1 + factor)}"
        return best * (1 + factor), f"{of_best} * {shown(1 + factor)}"
    if best == 0:
        return 0.0, "0 (a factor leaves no slack beside a best of 0: slack_amount does)"
    # Dividing a negative best by 1 + f would put the limit on the better side of it: the best would stop itself.
    how = f"{of_best} {sign} {shown(factor)} * {shown(-best)}"
    return best + away * factor * -best, f"{how} (where the best is negative, slack_amount is clearer)"


def median(policy: Policy, goal: Goal, reached: Reached, progress: Progress) -> Decision | None:
    count = progress.count(reached.interval, 0)
    others = count - (reached.mean is not None)
    if others < 2:
        return None
    key = progress.nth(reached.interval, 0, count // 2)[0]
    if count % 2 == 0:
        key = progress.nth(reached.interval, 0, count // 2 - 1)[0] / 2 + key / 2
    middle = from_key(goal, key)
    if middle is None or not is_worse(goal, reached.best, middle, middle):
        return None
    return _ranked(policy, reached, middle, f"the median of the means of {counted(count, 'trial')}")


def truncation(
    policy: Policy, goal: Goal, number: int, reached: Reached, progress: Progress
) -> Decision | None:
    count = progress.count(reached.interval, 0)
    percentage = policy.truncation_percentage or 0
    worst = count * percentage // 100
    if worst == 0 or (key_of(goal, reached.best), number) < progress.nth(reached.interval, 0, count - worst):
        return None
    limit = from_key(goal, progress.nth(reached.interval, 0, count - worst - 1)[0])
    among = "that go on" if policy.exclude_finished else "that reached it"
    place = f"the {_nth_best(count - worst)} of {counted(count, 'trial')} {among}"
    return _ranked(policy, reached, limit, f"{place} (the worst {percentage} % are stopped)")


def successive_halving(
    policy: Policy, goal: Goal, number: int, reached: Reached, progress: Progress
) -> Decision | None:
    bracket = rungs.bracket(policy, number)
    count = progress.count(reached.interval, bracket)
    kept = max(1, count // policy.reduction_factor)
    limit = from_key(goal, progress.nth(reached.interval, bracket, kept - 1)[0])
    if limit is None or not is_worse(goal, reached.best, limit, limit):
        return None
    place = f"the {_nth_best(kept)} of {counted(count, 'trial')} that reached it"
    where = f" in bracket {bracket}" if policy.kind == "hyperband" else ""
    which = f"{place}{where} (one of {policy.reduction_factor} goes on)"
    return _ranked(policy, reached, limit, which)


def _ranked(policy: Policy, reached: Reached, limit: float | None, which: str) -> Decision:
    """A trial was held against another's value, or the middle of all; `which` says whose."""
    value = "no finite value" if limit is None else shown(limit)
    return _decision(policy, reached, limit, limit, f"{value}, {which}")


def _decision(
    policy: Policy, reached: Reached, reference: float | None, limit: float | None, computed: str
) -> Decision:
    """`computed` says what the value was held against."""
    value = "no finite value" if reached.best is None else shown(reached.best, limit)
    text = f"stopped at {unit(policy)} {reached.interval}: {value} against {computed}"
    return Decision(policy.kind, reached.interval, reached.best, reference, limit, text)


def unit(policy: Policy) -> str:
    """What an interval is called."""
    return "step" if policy.interval == "step" else "interval"


def _nth_best(place: int) -> str:
    if place == 1:
        return "best"
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending} best"
