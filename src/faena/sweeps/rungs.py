"""At which intervals ASHA and Hyperband compare trials, and Hyperband which trials with each other.

Rungs are `min_interval * reduction_factor^k`, below `max_interval` where there is one. Hyperband's bracket b leaves the
first b rungs out. Its rounds fill bracket 0, then 1, and so on, in order of trial numbers; bracket b of B gets
`ceil(B / s * reduction_factor^(s - 1))` trials of a round, with s = B - b. For 9 intervals by 3: 9 trials with the
rungs 1 and 3, 5 with the rung 3, 3 that run through.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

from faena.sweeps.schemas import Policy


def rung(policy: Policy, interval: int) -> int | None:
    """Which rung an interval is, from 0; None: it is none."""
    if policy.max_interval is not None and interval >= policy.max_interval:
        return None
    place, reached = 0, policy.min_interval
    while reached < interval:
        place, reached = place + 1, reached * policy.reduction_factor
    return place if reached == interval else None


def latest(policy: Policy, interval: int, number: int) -> int | None:
    """The last interval that is a rung of a trial's bracket, at one or before it; None: there is none yet."""
    place, reached, found = 0, policy.min_interval, None
    first = bracket(policy, number)
    while reached <= interval and (policy.max_interval is None or reached < policy.max_interval):
        if place >= first:
            found = reached
        place, reached = place + 1, reached * policy.reduction_factor
    return found


def bracket(policy: Policy, number: int) -> int:
    """The bracket of a trial: 0 but for Hyperband."""
    if policy.kind != "hyperband" or policy.max_interval is None:
        return 0
    ends = _round(policy.min_interval, policy.reduction_factor, policy.max_interval)
    place = number % ends[-1]
    return next(index for index, end in enumerate(ends) if place < end)


@lru_cache(maxsize=64)
def _round(first: int, factor: int, last: int) -> tuple[int, ...]:
    """Where in a round each bracket ends."""
    brackets = 1
    while first * factor**brackets <= last:
        brackets += 1
    sizes = (-(-brackets * factor ** (left - 1) // left) for left in range(brackets, 0, -1))
    return tuple(accumulate(sizes))
