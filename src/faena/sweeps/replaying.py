"""A sweep that ran, replayed under another policy: whom it would have stopped, where, and what that would have saved.

What arrived is taken in the order in which it did, so that a replay under the sweep's own policy stops whom the sweep
stopped. Under another it says what is saved at least: what the sweep's own policy cut short might have gone on, and
would have been cut short here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from faena.kernel.plural import counted
from faena.sweeps.comparing import is_better, shown
from faena.sweeps.policies import Decision, decide
from faena.sweeps.schemas import Goal, Policy
from faena.sweeps.standings import StandingsInMemory


@dataclass(frozen=True, slots=True)
class Restarted:
    """A trial has a new attempt, which goes on after the first `kept` intervals of the one before."""

    number: int
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial is over and cannot be stopped any more. What arrives of it later still counts for the others."""

    number: int


Event = tuple[int, float] | Restarted | Ended
"""A tuple is a value of the primary metric: trial number, value."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A trial that the policy stops."""

    number: int
    decision: Decision
    event: int
    """Which event brought it, from 0: a value of its own, or another's."""
    saved: int = 0
    """How many values it logged afterwards: intervals that it would not have run."""


@dataclass(frozen=True, slots=True)
class Replay:
    stops: tuple[Stop, ...]
    """In the order in which they were decided."""
    trials: int
    """How many logged something."""
    intervals: int
    """How many values they logged, all together."""
    best: float | None
    """What the sweep found."""
    best_kept: float | None
    """What it would have found under the policy."""
    is_best_lost: bool
    """Whether that is worse."""

    @property
    def saved(self) -> int:
        """How many intervals would not have been run, at least."""
        return sum(stop.saved for stop in self.stops)

    @property
    def text(self) -> str:
        """What the policy would have done, in a sentence or two."""
        if not self.stops:
            return f"It would have stopped none of {counted(self.trials, 'trial')}."
        share = f"{self.saved / self.intervals:.0%}"
        saved = (
            f"It would have stopped {len(self.stops)} of {counted(self.trials, 'trial')} and saved at least"
            f" {self.saved:,} of {counted(self.intervals, 'interval')} ({share})."
        )
        if self.best is None or not self.is_best_lost:
            return saved
        kept = "nothing" if self.best_kept is None else shown(self.best_kept, self.best)
        return f"{saved} The best would have been lost: {kept} instead of {shown(self.best)}."


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
            number, value = event
            intervals += 1
            saved[number] += number in stops
            seen.put(number, seen.reached(number).after(value, goal), None)
            for trial, decision in decide(policy, goal, kept, number, value):
                stops[trial] = Stop(trial, decision, index)
    stopped = tuple(replace(stop, saved=saved[stop.number]) for stop in stops.values())
    best, best_kept = seen.best_until(sys.maxsize), kept.best_until(sys.maxsize)
    is_lost = best is not None and is_better(goal, best, best_kept)
    return Replay(stopped, len(saved), intervals, best, best_kept, is_lost)


def _restart(event: Restarted, seen: StandingsInMemory, kept: StandingsInMemory) -> None:
    seen.restart(event.number, event.kept)
    if kept.state(event.number) != "stopped":
        kept.restart(event.number, event.kept)
