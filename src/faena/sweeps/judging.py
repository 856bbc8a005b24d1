"""Stops trials that fall behind, in the transaction that keeps what they have logged.

So the answer to the batch that brings a value tells its runner to stop, and a decision is never forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.runs import record_store
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import EndReason
from faena.sweeps import closing, journal, store, trial_store
from faena.sweeps.batch_standing import BatchStanding
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState
from faena.sweeps.policies import Decision, decide, watches
from faena.sweeps.schemas import Policy
from faena.sweeps.standing import Standing
from faena.tracking.ingest import bites, on_points
from faena.tracking.model import SCRIPT, StreamKey
from faena.tracking.points import NO_STEP, Points
from faena.tracking.summary import each_number, numbers

_MOST_VALUES = 20_000
"""That are judged in one transaction: half a second's work on a slow machine."""
_A_VALUE = 8
"""Bytes of one in a list; a value by itself has 40."""
_TRIALS = 300
"""Ranking among so many costs what the rest of a judgement does."""


@bites.add
def _may_judge(read: Read, key: StreamKey) -> int | None:
    """Bytes of values."""
    trial = trial_store.trial_of_run(read, key.run_id)
    sweep = None if trial is None else store.get(read, trial.sweep)
    if sweep is None or not watches(sweep.spec.policy):
        return None
    return _A_VALUE * _most_values(sweep)


def _most_values(sweep: Sweep) -> int:
    """Fewer where each has to be ranked among many trials."""
    ranks = sweep.spec.policy.kind in ("median", "truncation")
    return _MOST_VALUES // (1 + sweep.issued // _TRIALS if ranks else 1)


@on_points.add
def _judge(write: Write, key: StreamKey, points: Mapping[str, Points], now: Micros) -> None:
    trial = trial_store.trial_of_run(write, key.run_id)
    if (
        trial is None
        or trial.state is not TrialState.OPEN
        or key.source != SCRIPT
        or key.attempt < trial.attempt
    ):
        return
    sweep = store.get(write, trial.sweep)
    if sweep is None or not watches(sweep.spec.policy):
        return
    objective = sweep.spec.objectives[0]
    found = points.get(objective.name)
    if found is None:
        return
    if key.attempt > trial.attempt:
        if trial.attempt:
            Standing(write, sweep).restart(trial.number, key.attempt)
        else:
            trial_store.update_trial(write, sweep.run_id, trial.number, attempt=key.attempt)
    if sweep.spec.policy.interval == "step" and not _gives_steps(write, sweep, trial, found, now):
        return
    standing = BatchStanding(write, sweep, trial.number)
    logged = _logged(found, sweep.spec.policy)
    if found.payloads:
        logged = _passed_over(logged, standing, trial.number, sweep)
    for value, step in logged:
        decisions = decide(sweep.spec.policy, objective.goal, standing, trial.number, value, step)
        if decisions:
            standing.flush()
            for number, decision in decisions:
                _stop(write, sweep, number, decision, now)
            standing.refresh()
    standing.flush()


def _logged(points: Points, policy: Policy) -> Iterator[tuple[float, int | None]]:
    """Values, and the step of each where those are the intervals; the elements of a list have that of the list."""
    if policy.interval == "value":
        return ((value, None) for value in numbers(points).tolist())
    steps = points.step.tolist()
    if not points.payloads:
        return ((value, _step(step)) for value, step in zip(numbers(points).tolist(), steps, strict=True))
    return ((value, _step(steps[place])) for place, value in each_number(points))


def _passed_over(
    logged: Iterable[tuple[float, int | None]], standing: BatchStanding, number: int, sweep: Sweep
) -> Iterator[tuple[float, int | None]]:
    """The values of lists, which come whole, but of too many the first ones and the last only.

    Those between count and are kept, as where a script has logged them at steps at which no policy looks.
    """
    most = _most_values(sweep)
    yield from islice(logged, most)
    rest = list(logged)
    if len(rest) > 1:
        by_step = sweep.spec.policy.interval == "step"
        step = max(each or 0 for _, each in rest[:-1]) if by_step else None
        values = [value for value, _ in rest[:-1]]
        standing.put(number, standing.reached(number).after_all(values, standing.goal, step), None)
    yield from rest[-1:]


def _step(given: int) -> int | None:
    return None if given == NO_STEP else given


def _gives_steps(write: Write, sweep: Sweep, trial: Trial, found: Points, now: Micros) -> bool:
    """Whether the first value of a trial has a step; without any, its policy can never judge it, and the sweep ends."""
    first = next(iter(_logged(found, sweep.spec.policy)), None)
    if first is None or trial.reached.interval or trial.reached.finite or first[1] is not None:
        return True
    name = sweep.spec.objectives[0].name
    said = (
        f"Trial {trial.number} logs {name!r} without a step, and steps are the intervals of the policy, which cannot "
        f"judge it. Have the script call run.log({name!r}, value, step=epoch), or leave out interval='step'."
    )
    if "no_step" not in dict(record_store.list_notes(write, sweep.run_id)):
        record_store.add_note(write, sweep.run_id, "no_step", said)
        run_rows.update(write, sweep.run_id, {})
    if sweep.spec.fail_fast:
        closing.stop(write, sweep, EndReason.SWEEP, said, now)
    return False


def _stop(write: Write, sweep: Sweep, number: int, decision: Decision, now: Micros) -> None:
    trial_store.update_trial(write, sweep.run_id, number, decision=decision)
    trial = trial_store.trial(write, sweep.run_id, number)
    if trial is None or trial.run_id is None or sweep.state is SweepState.ENDED:
        return
    record_store.add_note(write, trial.run_id, "policy", f"{decision.text[:1].upper()}{decision.text[1:]}.")
    journal.stopped(write, sweep, trial, decision.text, now)
    runs.cancel(write, trial.run_id, now)
