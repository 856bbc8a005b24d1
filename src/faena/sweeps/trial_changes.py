"""SQL of what samplers and policies hear of trials: which have changed, with what."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from faena.db import Read, Write
from faena.db.prepared import Prepared
from faena.sweeps.model import Source, Trial, TrialState
from faena.sweeps.store import sweeps
from faena.sweeps.trial_store import as_trial, columns_of, in_state, trials

_sweep: sa.BindParameter[str] = sa.bindparam("of")
_COUNT_CHANGE = Prepared(
    sweeps.update().where(sweeps.c.run_id == _sweep).values(changes=sweeps.c.changes + 1)
)
_LATEST_CHANGE = sa.select(sweeps.c.changes).where(sweeps.c.run_id == _sweep).scalar_subquery()
_STAMP = Prepared(
    trials.update()
    .where(trials.c.sweep == _sweep, trials.c.number == sa.bindparam("which"))
    .values(changed=_LATEST_CHANGE)
)
_DRAWN = ("run_id", "state", "parameters", "coordinates", "digest", "attributes")
_TAKE = Prepared(
    trials.update()
    .where(trials.c.sweep == _sweep, trials.c.number == sa.bindparam("which"))
    .values({name: sa.bindparam(f"new_{name}", type_=trials.c[name].type) for name in _DRAWN})
    .values(changed=_LATEST_CHANGE)
)
_CHANGED = Prepared(
    trials.select()
    .where(trials.c.sweep == _sweep, trials.c.changed > sa.bindparam("after"))
    .where(trials.c.state != sa.literal_column("'free'"))
    .order_by(trials.c.number)
)
_CHANGES = Prepared(sa.select(sweeps.c.changes).where(sweeps.c.run_id == _sweep))


def stamp(write: Write, sweep: str, number: int) -> None:
    """A trial is other than before, as a sampler must hear."""
    write.execute(_COUNT_CHANGE, {"of": sweep})
    write.execute(_STAMP, {"of": sweep, "which": number})


def stamp_all(write: Write, sweep: str, numbers: Sequence[int]) -> None:
    if numbers:
        write.execute(_COUNT_CHANGE, {"of": sweep})
        write.execute(_STAMP, [{"of": sweep, "which": number} for number in numbers])


def take(write: Write, trial: Trial, digest: str) -> None:
    """A free place has what a model has drawn, and its run, if it has one yet: the samplers hear of it."""
    write.execute(_COUNT_CHANGE, {"of": trial.sweep})
    changes = {**columns_of(trial), "digest": digest}
    values = {f"new_{name}": changes[name] for name in _DRAWN}
    write.execute(_TAKE, {"of": trial.sweep, "which": trial.number, **values})


def changed_since(read: Read, sweep: str, change: int) -> tuple[list[Trial], int]:
    """The trials with parameters that changed after a change, all for 0, and the latest change."""
    latest = int(read.execute(_CHANGES, {"of": sweep}).scalar())
    return [as_trial(row) for row in read.execute(_CHANGED, {"of": sweep, "after": change})], latest


def with_values(read: Read, sweep: str) -> list[tuple[Trial, str]]:
    """All trials that ended with a value, and the digests of their parameters."""
    query = trials.select().where(trials.c.sweep == sweep, trials.c.value.is_not(None))
    return [(as_trial(row), row.digest) for row in read.execute(query.order_by(trials.c.number))]


def last_sampled(read: Read, sweep: str) -> tuple[Trial, str] | None:
    """The trial that was sampled last, and the digest of its parameters."""
    query = trials.select().where(trials.c.sweep == sweep, trials.c.source == Source.SAMPLED.value)
    row = read.execute(query.order_by(trials.c.number.desc()).limit(1)).first()
    return (as_trial(row), row.digest) if row else None


def values_of_open(read: Read, sweep: str) -> list[float | None]:
    """What the trials that run have come to so far, where a policy counts their values."""
    return [trial.reached.best for trial in in_state(read, sweep, TrialState.OPEN)]
