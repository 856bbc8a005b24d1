"""A sweep that ran, replayed under another policy: whom it would have stopped, where, and what that would have saved.

What arrived is taken in the order in which it did, so that a replay under the sweep's own policy stops whom the sweep
stopped. Under another it says what is saved at least: what the sweep's own policy cut short might have gone on, and
would have been cut short here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from faena.sweeps.policies import Decision, decide
from faena.sweeps.schemas import Goal, Policy
from faena.sweeps.standings import StandingsInMemory


class Restarted(Struct, frozen=True):
    """A trial has a new attempt, which goes on after the first `kept` intervals of the one before."""

    number: int
    kept: int = 0


class Ended(Struct, frozen=True):
    """A trial is over and cannot be stopped any more. What arrives of it later still counts for the others."""

    number: int


Event = tuple[int, float] | tuple[int, float, int | None] | Restarted | Ended
"""A tuple is a value of the primary metric: trial number, value, and the step with which it was logged."""


class Stop(Struct, frozen=True):
    """A trial that the policy stops."""

    number: int
    decision: Decision
    event: int
    """Which event brought it, from 0: a value of its own, or another's."""
    saved: int = 0
    """How many values it logged afterwards: intervals that it would not have run."""


class Replay(Struct, frozen=True):
    stops: tuple[Stop, ...]
    """In the order in which they were decided."""
    intervals: int
    """How many values the trials logged, all together."""
    best: float | None
    """What the sweep found."""
    best_kept: float | None
    """What it would have found under the policy."""

    @property
    def saved(self) -> int:
        """How many intervals would not have been run, at least."""
        return sum(stop.saved for stop in self.stops)


def replay(policy: Policy, goal: Goal, events: Iterable[Event]) -> Replay:
    """Follow a policy through everything that arrived, in order."""
    seen = StandingsInMemory(Policy(), goal)
    kept = StandingsInMemory(policy, goal)
    stops: dict[int, Stop] = {}
    saved: Counter[int] = Counter()
    intervals = 0
    for index, event in enumerate(events):
        if isinstance(event, Restarted):
            _restart(event, seen, kept)
        elif isinstance(event, Ended):
            kept.end(event.number)
        else:
            number, value, *steps = event
            step = steps[0] if steps else None
            intervals += 1
            saved[number] += number in stops
            seen.put(number, seen.reached(number).after(value, goal), None)
            for trial, decision in decide(policy, goal, kept, number, value, step):
                stops[trial] = Stop(trial, decision, index)
    stopped = tuple(replace(stop, saved=saved[stop.number]) for stop in stops.values())
    return Replay(stopped, intervals, seen.best_until(sys.maxsize), kept.best_until(sys.maxsize))


def _restart(event: Restarted, seen: StandingsInMemory, kept: StandingsInMemory) -> None:
    seen.restart(event.number, event.kept)
    if kept.state(event.number) != "stopped":
        kept.restart(event.number, event.kept)
