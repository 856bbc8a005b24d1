"""Which trials a stopping policy stops: when it looks, by which values, and in which words. No I/O.

The n-th value that a trial logs of the primary metric, by arrival, is its interval n. A trial's value at n is its best
of 1..n; values of different intervals are never compared. A trial is judged when it reaches an interval, and again
at its latest one when another brings a new best there: so the first trials can be stopped, too.
"""

from __future__ import annotations

import math

from faena.sweeps import rules, rungs
from faena.sweeps.comparing import is_better, key_of
from faena.sweeps.policy_fields import check as check
from faena.sweeps.progress import Progress, Reached, Row, Standings
from faena.sweeps.rules import Decision as Decision
from faena.sweeps.schemas import Goal, Policy


def watches(policy: Policy) -> bool:
    """Whether it can stop anything: what a trial logs need not be shown to one that cannot."""
    return policy.kind != "none" or policy.stop_on_nan


def applies(policy: Policy, interval: int, number: int = 0) -> bool:
    """Whether a policy looks at an interval of a trial. Trial 0 is in the bracket that has all rungs."""
    if policy.kind == "none":
        return False
    if policy.kind in ("asha", "hyperband"):
        rung = rungs.rung(policy, interval)
        return rung is not None and rung >= rungs.bracket(policy, number)
    return interval % policy.evaluation_interval == 0 and interval >= max(1, policy.delay_evaluation)


def looked_at(policy: Policy, number: int, before: Reached, reached: Reached) -> Reached | None:
    """What a policy looks at now that a trial has got from one interval to another; None: nothing.

    A trial that logs at steps of its own may pass an interval at which the policy looks, and is looked at there as it
    was, of several at the last one: with what it had logged until then, and not with what came after.
    """
    if applies(policy, reached.interval, number):
        return reached
    if policy.interval == "value" or not (before.finite or before.interval):
        return None
    passed = _latest(policy, reached.interval, number)
    if passed is None or passed <= before.interval:
        return None
    return Reached(passed, before.finite, before.best, before.mean)


def _latest(policy: Policy, interval: int, number: int) -> int | None:
    """The last interval at which a policy looks, at this one or before it."""
    if policy.kind == "none":
        return None
    if policy.kind in ("asha", "hyperband"):
        return rungs.latest(policy, interval, number)
    found = interval - interval % policy.evaluation_interval
    return found if found >= max(1, policy.delay_evaluation) else None


def row_of(policy: Policy, goal: Goal, number: int, reached: Reached | None) -> Row | None:
    """The row by which a trial is ranked where the policy looks at it; None: it ranks nothing there."""
    if reached is None or policy.kind == "bandit" or not applies(policy, reached.interval, number):
        return None
    score = reached.mean if policy.kind == "median" else reached.best
    if score is None and policy.kind == "median":
        return None
    return Row(reached.interval, rungs.bracket(policy, number), key_of(goal, score))


def decide(
    policy: Policy, goal: Goal, standings: Standings, number: int, value: float, step: int | None = None
) -> list[tuple[int, Decision]]:
    """A trial logged a value: keep it, and stop whom it lets fall behind. Several values of a batch come one by one.

    `step`: the one with which it was logged, if any; it counts for policies whose intervals are steps. There a value
    without one stands at the step before it.
    """
    state = standings.state(number)
    if state == "stopped":
        return []
    before = standings.reached(number)
    reached = before.after(value, goal, None if policy.interval == "value" else step or 0)
    looked = looked_at(policy, number, before, reached)
    behind = _who_sees_a_new_best(goal, standings, number, reached)
    standings.put(number, reached, row_of(policy, goal, number, looked))
    decisions = []
    if state == "running" and (decision := _of_own_value(policy, goal, number, reached, looked, standings)):
        standings.stop(number)
        decisions.append((number, decision))
    for trial, at in behind:
        if (decision := judge(policy, goal, trial, at, standings)) is not None:
            standings.stop(trial)
            decisions.append((trial, decision))
    return decisions


def _of_own_value(
    policy: Policy, goal: Goal, number: int, reached: Reached, looked: Reached | None, progress: Progress
) -> Decision | None:
    if policy.stop_on_nan and reached.value is not None and not math.isfinite(reached.value):
        text = f"stopped at {rules.unit(policy)} {reached.interval}: it logged {reached.value}"
        return Decision("stop_on_nan", reached.interval, None, None, None, text)
    return None if looked is None else judge(policy, goal, number, looked, progress)


def judge(policy: Policy, goal: Goal, number: int, reached: Reached, progress: Progress) -> Decision | None:
    """Whether a running trial is stopped at an interval, of which `progress` knows."""
    if not applies(policy, reached.interval, number):
        return None
    if policy.kind == "bandit":
        return rules.bandit(policy, goal, reached, progress)
    if policy.kind == "median":
        return rules.median(policy, goal, reached, progress)
    if policy.kind == "truncation":
        return rules.truncation(policy, goal, number, reached, progress)
    return rules.successive_halving(policy, goal, number, reached, progress)


def _who_sees_a_new_best(
    goal: Goal, standings: Standings, number: int, reached: Reached
) -> list[tuple[int, Reached]]:
    """The other running trials for whose latest interval a value is a new best. Asked before it is put."""
    value = reached.value
    if value is None or not math.isfinite(value):
        return []
    if not is_better(goal, value, standings.best_until(reached.interval)):
        return []
    return [
        (other, at)
        for other, at in standings.running_from(reached.interval)
        if other != number and is_better(goal, value, standings.best_until(at.interval))
    ]
