"""Which trial comes next: issued in the transaction that makes room for it.

What must be done outside of a transaction, drawing by a model, leaves a trial that is `free` until it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from faena.compute import service as compute
from faena.db import Write
from faena.kernel.clock import Micros
from faena.kernel.errors import ComputeTargetException
from faena.runs import transitions
from faena.sweeps import (
    beginnings,
    generations,
    journal,
    policies,
    samplings,
    startup,
    store,
    submitting,
    trial_changes,
    trial_store,
)
from faena.sweeps.model import Source, Sweep, SweepState, Trial, TrialState
from faena.sweeps.progress import Reached
from faena.sweeps.space import Point

SWEEPS = "sweeps"
"""Rings where a sweep has something to be looked after outside of the transaction that made it so."""


def issue(write: Write, sweep: Sweep, now: Micros) -> list[Trial]:
    """Issue trials as long as the sweep has places for them."""
    issued: list[Trial] = []
    if sweep.state is SweepState.RUNNING:
        room = capacity(write, sweep) - trial_store.count_busy(write, sweep.run_id)
        while room > 0 and (trial := _next(write, sweep, now)) is not None:
            issued.append(trial)
            room -= 1
            if trial.source is Source.SAMPLED:
                sweep = store.get(write, sweep.run_id) or sweep
    journal.issued(write, sweep, issued, now)
    if any(trial.state is TrialState.OPEN for trial in issued):
        _have_watched(write, sweep)
    return issued


def _have_watched(write: Write, sweep: Sweep) -> None:
    """Somebody has to see to it that the points of a trial which a policy may stop come at once."""
    if policies.watches(sweep.spec.policy):
        write.notify(SWEEPS)


def capacity(write: Write, sweep: Sweep) -> int:
    """How many of its trials may be there at once: no more than its cluster has nodes for, so that no queue fills."""
    try:
        cluster = compute.get(write, sweep.submission.cluster)
    except ComputeTargetException:  # it was deleted: one trial waits for another of its name, and says so
        return 1
    at_once = max(1, cluster.max_nodes // max(1, sweep.submission.node_count))
    return min(sweep.spec.max_concurrent_runs, at_once)


def _next(write: Write, sweep: Sweep, now: Micros) -> Trial | None:
    """The next trial, issued or about to be drawn; None where there is none."""
    waiting = trial_store.first_waiting(write, sweep.run_id)
    if waiting is not None:
        return submitting.start(write, sweep, waiting, now)
    if sweep.issued >= sweep.spec.max_total_runs or sweep.exhausted:
        return None
    repeated = _repeated(write, sweep)
    if repeated is not None:
        trial, digest = repeated
    elif sweep.spec.sampling.population is not None:
        planned = generations.plan(write, sweep)
        if planned is None:
            return None
        store.update(write, sweep.run_id, position=planned.position)
        trial = replace(new_trial(sweep, planned.point), attributes=planned.lineage.encoded())
        digest = planned.point.digest
    else:
        found = _drawn(write, sweep)
        if found is not None:
            point, position = found
            store.update(write, sweep.run_id, position=position)
            trial, digest = new_trial(sweep, point), point.digest
        elif sweep.learns:
            trial, digest = new_trial(sweep, None, state=TrialState.FREE), ""
            write.notify(transitions.WORK_COMES)
        else:
            store.update(write, sweep.run_id, exhausted=True)
            journal.exhausted(write, sweep, now)
            return None
    store.update(write, sweep.run_id, issued=sweep.issued + 1)
    trial_store.add_trials(write, [trial], [digest])
    if trial.state is TrialState.FREE:
        return trial
    if sweep.learns:
        trial_changes.stamp(write, sweep.run_id, trial.number)
    return submitting.start(write, sweep, trial, now)


def _drawn(write: Write, sweep: Sweep) -> tuple[Point, int] | None:
    """The next point of a sampling that needs no model, and the position after it.

    None where there is none, which of a sampling that learns its own process is to say, or where its model draws.
    """
    sampling = sweep.spec.sampling
    if sweep.learns:
        if trial_store.has_values(write, sweep.run_id, startup.startup_trials(sampling)):
            return None
        sampling = startup.plain(sampling)
    return samplings.next_point(
        sweep.space,
        sampling,
        sweep.position,
        lambda digest: trial_store.is_taken(write, sweep.run_id, digest),
    )


def _repeated(write: Write, sweep: Sweep) -> tuple[Trial, str] | None:
    """The same parameters once more, where each is to be tried several times."""
    if sweep.spec.repeats < 2 or (found := trial_changes.last_sampled(write, sweep.run_id)) is None:
        return None
    last, digest = found
    if last.repeat + 1 >= sweep.spec.repeats or last.state is TrialState.FREE:
        return None
    point = Point(last.coordinates, last.parameters, digest)
    return replace(new_trial(sweep, point), repeat=last.repeat + 1, attributes=None), digest


def new_trial(
    sweep: Sweep,
    point: Point | None,
    *,
    number: int | None = None,
    state: TrialState = TrialState.WAITING,
    source: Source = Source.SAMPLED,
) -> Trial:
    return Trial(
        sweep=sweep.run_id,
        number=sweep.issued if number is None else number,
        run_id=None,
        state=state,
        source=source,
        revision=sweep.revision,
        tries=0,
        repeat=0,
        parameters={} if point is None else point.values,
        coordinates={} if point is None else point.coordinates,
        attributes=None,
        attempt=0,
        reached=Reached(),
        status=None,
        value=None,
        metrics=(),
        allowed=True,
        decision=None,
    )


def give(write: Write, sweep: Sweep, points: list[Point], request: str | None = None) -> None:
    """Trials by hand, which come before those that are sampled; where there is no room for them, the sweep grows."""
    added = [
        new_trial(sweep, point, number=sweep.issued + place, source=Source.GIVEN)
        for place, point in enumerate(points)
    ]
    trial_store.add_trials(write, added, [point.digest for point in points], request=request)
    if sweep.learns:  # nothing is drawn where they are going to be
        trial_changes.stamp_all(write, sweep.run_id, [trial.number for trial in added])
    issued = sweep.issued + len(points)
    spec = sweep.spec
    if issued > spec.max_total_runs:
        beginnings.keep(write, sweep.run_id, spec)
        spec = msgspec.structs.replace(spec, max_total_runs=issued)
    store.update(write, sweep.run_id, issued=issued, spec=spec)


def adopt(write: Write, sweep: Sweep, found: Sequence[tuple[Trial, Point]]) -> None:
    """Know trials that ended elsewhere, under numbers below 0; those whose run it knows already are left out.

    Each comes with where it lies in the space of this sweep.
    """
    number = trial_store.lowest_number(write, sweep.run_id)
    run_ids = [trial.run_id for trial, _ in found if trial.run_id is not None]
    known_runs = {trial.run_id for trial in trial_store.of_runs(write, sweep.run_id, run_ids)}
    added: list[tuple[Trial, str]] = []
    for trial, point in found:
        if trial.run_id is not None:
            if trial.run_id in known_runs:
                continue
            known_runs.add(trial.run_id)
        number -= 1
        known: dict[str, Any] = {
            "sweep": sweep.run_id,
            "number": number,
            "source": Source.ADOPTED,
            "state": TrialState.ENDED,
            "revision": sweep.revision,
            "parameters": point.values,
            "coordinates": point.coordinates,
            "attributes": None,
        }
        added.append((replace(trial, **known), point.digest))
    trial_store.add_trials(write, [trial for trial, _ in added], [digest for _, digest in added])
    if sweep.learns:
        trial_changes.stamp_all(write, sweep.run_id, [trial.number for trial, _ in added])


def take_place(
    write: Write, sweep: Sweep, number: int, point: Point, attributes: bytes | None, now: Micros
) -> Trial | None:
    """A free place gets what a model has drawn for it: the trial; None where it is not free any more."""
    trial = trial_store.trial(write, sweep.run_id, number)
    if trial is None or trial.state is not TrialState.FREE:
        return None
    drawn = replace(
        trial,
        parameters=point.values,
        coordinates=point.coordinates,
        attributes=attributes,
        state=TrialState.WAITING,
    )
    if sweep.state is SweepState.RUNNING:
        drawn = submitting.submitted(write, sweep, drawn, now)
        journal.issued(write, sweep, [drawn], now, was_free=True)
        _have_watched(write, sweep)
    trial_changes.take(write, drawn, point.digest)
    return drawn
