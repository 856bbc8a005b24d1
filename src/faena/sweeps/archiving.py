"""A sweep's ledger for an exported run, and out of one."""

from __future__ import annotations

from msgspec.structs import replace

from faena.db import Read, Write
from faena.runs.submission_schemas import Submission
from faena.sweeps import issuing, store, trial_store
from faena.sweeps.arguments import digest_of
from faena.sweeps.endings import Streak
from faena.sweeps.model import Source, Sweep, SweepState, Trial, TrialState, trials_submission
from faena.sweeps.populations import Lineage
from faena.sweeps.progress import Reached
from faena.sweeps.records import SweepRecord, TrialRecord
from faena.sweeps.space import Space


def recorded(read: Read, run_id: str) -> SweepRecord | None:
    """All that the ledger knows of a sweep; None for a run that is none."""
    sweep = store.get(read, run_id)
    if sweep is None:
        return None
    trials = tuple(
        TrialRecord(
            number=trial.number,
            run_id=trial.run_id,
            source=trial.source.value,
            tries=trial.tries,
            repeat=trial.repeat,
            parameters=trial.parameters,
            coordinates=trial.coordinates,
            status=trial.status or "",
            metrics=list(trial.metrics),
            allowed=trial.allowed,
            intervals=trial.reached.interval,
            best=trial.reached.best,
            decision=trial.decision,
            parent=_lineage(sweep, trial).parent,
            checkpoint=_lineage(sweep, trial).checkpoint,
        )
        for trial in trial_store.page(read, run_id)
        if trial.state is TrialState.ENDED
    )
    return SweepRecord(sweep.spec, sweep.exhausted, sweep.told, trials)


def _lineage(sweep: Sweep, trial: Trial) -> Lineage:
    """Whatever else a sampler has attached is not told."""
    return Lineage() if sweep.spec.sampling.population is None else Lineage.decode(trial.attributes)


def _attributes(record: SweepRecord, trial: TrialRecord) -> bytes | None:
    if record.spec.sampling.population is None:
        return None
    return Lineage(trial.parent, trial.checkpoint).encoded()


def take(write: Write, run_id: str, submission: Submission, record: SweepRecord) -> None:
    """The ledger of a sweep that ended elsewhere. Raises UserErrorException for one that cannot be read here."""
    space = Space.parse(record.spec.space, record.spec.constraints)
    issued = 1 + max((trial.number for trial in record.trials), default=-1)
    sweep = Sweep(
        run_id=run_id,
        spec=record.spec,
        space=space,
        submission=trials_submission(submission),
        state=SweepState.ENDED,
        revision=0,
        position=0,
        issued=issued,
        exhausted=record.exhausted,
        deadline=0,
        lock=None,
        python=None,
        streak=Streak(),
        changes=0,
        told=record.told,
        reason="",
    )
    store.add(write, sweep)
    found = [
        replace(
            issuing.new_trial(
                sweep, None, number=each.number, state=TrialState.ENDED, source=Source(each.source)
            ),
            run_id=each.run_id,
            tries=each.tries,
            repeat=each.repeat,
            parameters=each.parameters,
            coordinates=each.coordinates,
            status=each.status,
            value=each.metrics[0] if each.metrics else None,
            metrics=tuple(each.metrics),
            allowed=each.allowed,
            reached=Reached(each.intervals, 0, each.best, None),
            decision=each.decision,
            attributes=_attributes(record, each),
        )
        for each in record.trials
    ]
    trial_store.add_trials(write, found, [digest_of(trial.parameters) for trial in found])
