"""A sweep under another policy, by what its trials logged: whom it would have stopped, and what that had saved."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from faena.client.sweeps.logged import NO_STEP, Logged, rows_of, runs_of, values_of
from faena.client.sweeps.policies import EarlyTerminationPolicy
from faena.client.wire import shown
from faena.client.workspaces.session import Session
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.plural import counted
from faena.runs.list_schemas import RunRow
from faena.sweeps import comparing
from faena.sweeps.replaying import Ended, Event, Replay, Restarted, Stop, replay
from faena.sweeps.schemas import Objective, Policy, TrialView

MOST = 2_000_000
"""Values of all trials together, which are held in memory: some 100 bytes each."""


@dataclass(frozen=True, slots=True)
class Part:
    """One run of a trial; `began` and `ended`: None where it has not, or where that is not known."""

    number: int
    logged: Logged
    began: Micros | None = None
    ended: Micros | None = None


@dataclass(frozen=True, slots=True)
class DryPolicy:
    """`print` says it in a sentence."""

    replay: Replay
    metric: str
    trials: int
    """That have begun."""
    seconds: float
    """How long the trials that have ended ran, all together."""
    seconds_saved: float
    """For how long those ran on that the policy would have stopped."""

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Who would have been stopped and by which values, in order."""
        return self.replay.stops

    @property
    def text(self) -> str:
        if self.replay.best is None:
            return f"No trial has logged a finite value of {self.metric} yet: there is nothing to stop by."
        stopped = len(self.stops) or "none"
        saved = f" and saved at least {self.replay.saved:,} of {counted(self.replay.intervals, 'interval')}"
        took = f", {_duration(self.seconds_saved)} of the {_duration(self.seconds)} that the trials took"
        return (
            f"It would have stopped {stopped} of {counted(self.trials, 'trial')}"
            f"{saved + took if self.stops else ''}; {self._best}."
        )

    @property
    def _best(self) -> str:
        best, kept = self.replay.best, self.replay.best_kept
        assert best is not None
        if kept is None:
            return f"no value would have been left, and the best was {comparing.shown(best)}"
        if kept == best:
            return f"the best, {comparing.shown(best)}, would have been kept"
        return f"the best would have been {comparing.shown(kept, best)} and not {comparing.shown(best, kept)}"

    def __str__(self) -> str:
        return self.text


def dry_policy(
    session: Session, sweep: str, objective: Objective, trials: Iterable[TrialView], policy: object
) -> DryPolicy:
    """See `HyperDriveRun.dry_policy`."""
    if not isinstance(policy, EarlyTerminationPolicy):
        raise UserErrorException(
            f"policy is {shown(policy)}. Use a policy, such as BanditPolicy(slack_factor=0.1)."
        )
    parts = list(_parts(session, sweep, objective.name, trials))
    return replayed(policy.policy, objective, parts)


def replayed(policy: Policy, objective: Objective, parts: Iterable[Part]) -> DryPolicy:
    """`parts`: of each trial in their order."""
    by_trial: dict[int, list[Part]] = {}
    for part in parts:
        by_trial.setdefault(part.number, []).append(part)
        if policy.interval == "step" and part.logged.steps[:1] == array("q", [NO_STEP]):
            raise UserErrorException(
                f"Trial {part.number} logged {objective.name!r} without a step, and steps are the intervals of the "
                f"policy. Have the script call run.log({objective.name!r}, value, step=epoch), or leave out "
                "interval='step'."
            )
    times: array[int] = array("q")
    found = replay(policy, objective.goal, _followed(by_trial, times))
    took = sum(map(_seconds, (part for each in by_trial.values() for part in each)))
    saved = sum(
        _seconds(part, after=times[stop.event]) for stop in found.stops for part in by_trial[stop.number]
    )
    return DryPolicy(found, objective.name, len(by_trial), took, saved)


def _parts(session: Session, sweep: str, metric: str, trials: Iterable[TrialView]) -> Iterator[Part]:
    rows = rows_of(session, sweep)
    count = 0
    for trial in trials:
        for run_id in runs_of(sweep, trial):
            logged = values_of(session, run_id, metric)
            if (count := count + len(logged.values)) > MOST:
                raise UserErrorException(
                    f"The trials have logged more than {MOST:,} values of {metric!r}, and as many are replayed at "
                    "most. Log it less often, or try the policy on a smaller sweep."
                )
            yield _part(trial.number, logged, rows, run_id)


def _part(number: int, logged: Logged, rows: Mapping[str, RunRow], run_id: str) -> Part:
    row = rows.get(run_id)
    return Part(number, logged) if row is None else Part(number, logged, row.started_at, row.ended_at)


def _followed(by_trial: Mapping[int, list[Part]], times: array[int]) -> Iterator[Event]:
    """What happened to all trials, in order; `times` gets when."""
    for time, _, event in heapq.merge(*map(_happened, by_trial.values()), key=lambda item: item[:2]):
        times.append(time)
        yield event


def _happened(parts: Iterable[Part]) -> Iterator[tuple[Micros, int, Event]]:
    """Of one trial."""
    latest = 0
    for place, part in enumerate(parts):
        number = part.number
        if place:
            latest = max(latest, part.began or 0)
            yield latest, number, Restarted(number)
        for time, value, step in zip(*part.logged, strict=True):
            latest = max(latest, time)
            yield latest, number, (number, value, None if step == NO_STEP else step)
        if part.ended is not None:
            latest = max(latest, part.ended)
            yield latest, number, Ended(number)


def _seconds(part: Part, after: Micros = 0) -> float:
    """For how long a run went on after a moment, where it is known when it began and ended."""
    if part.began is None or part.ended is None:
        return 0.0
    return max(0, part.ended - max(part.began, after)) / 1e6


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
