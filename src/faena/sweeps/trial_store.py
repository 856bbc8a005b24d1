"""SQL of the trials of sweeps: the ledger that remembers which was issued, with what, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Write, metadata, partial_index
from faena.db.prepared import Prepared
from faena.runs.model import RunStatus
from faena.runs.store import OF_RUN
from faena.sweeps.model import Source, Trial, TrialState
from faena.sweeps.policies import Decision
from faena.sweeps.progress import Reached

_BUSY: sa.ColumnElement[Any] = sa.literal_column("state IN ('free', 'open')")
_TOGETHER = 500
"""Ids in one question."""
UNENDED: sa.ColumnElement[Any] = sa.literal_column("state != 'ended'")

trials = sa.Table(
    "sweep_trials",
    metadata,
    sa.Column("sweep", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("run_id", String(300), index=True),
    sa.Column("state", String(16), nullable=False),
    sa.Column("source", String(16), nullable=False),
    sa.Column("revision", Integer, nullable=False),
    sa.Column("tries", Integer, nullable=False),
    sa.Column("repeat", Integer, nullable=False),
    sa.Column("parameters", sa.LargeBinary, nullable=False),
    sa.Column("coordinates", sa.LargeBinary, nullable=False),
    sa.Column("digest", String(64), nullable=False),
    sa.Column("attributes", sa.LargeBinary),
    sa.Column("changed", BigInteger, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("intervals", Integer, nullable=False),
    sa.Column("finite", Integer, nullable=False),
    sa.Column("best", sa.Double),
    sa.Column("mean", sa.Double),
    sa.Column("status", String(16)),
    sa.Column("value", sa.Double),
    sa.Column("metrics", sa.LargeBinary, nullable=False),
    sa.Column("allowed", sa.Boolean, nullable=False),
    sa.Column("decision", sa.LargeBinary),
    sa.Column("request", String(64)),
    sa.Index("sweep_trials_by_digest", "sweep", "digest"),
    sa.Index("sweep_trials_by_change", "sweep", "changed"),
    sa.Index("sweep_trials_by_value", "sweep", "value", "number"),
    sa.Index("sweep_trials_by_status", "sweep", "status"),
    partial_index("unended_trials", "sweep", "state", "number", where=UNENDED),
)
"""`run_id`: its latest run, which may be deleted while the ledger remembers it. `value`: of the primary metric.
`request`: by which it was given."""

OWN = trials.c.number >= 0
_COLUMNS = tuple(trials.columns.keys())
_run: sa.BindParameter[str] = sa.bindparam("run")
_sweep: sa.BindParameter[str] = sa.bindparam("of")
_OF_RUN = Prepared(
    trials.select().where(trials.c.run_id == _run, trials.c.source != sa.literal_column("'adopted'"))
)
_BUSY_COUNT = Prepared(
    sa.select(sa.func.count().label("busy"))
    .select_from(trials)
    .where(trials.c.sweep == _sweep, UNENDED, _BUSY)
)
_FIRST_WAITING = Prepared(
    trials.select()
    .where(trials.c.sweep == _sweep, UNENDED, trials.c.state == sa.literal_column("'waiting'"))
    .order_by(trials.c.number)
    .limit(1)
)
_TAKEN = Prepared(
    sa.select(trials.c.number)
    .where(trials.c.sweep == _sweep, trials.c.digest == sa.bindparam("digest"))
    .limit(1)
)
_HAS_VALUES = Prepared(
    sa.select(sa.func.count().label("found")).select_from(
        sa.select(trials.c.number)
        .where(trials.c.sweep == _sweep, trials.c.value.is_not(None))
        .limit(sa.bindparam("most", type_=sa.Integer))
        .subquery()
    )
)
_ADD = Prepared(trials.insert())
_FREE = Prepared(
    sa.select(trials.c.number)
    .where(trials.c.sweep == _sweep, UNENDED, trials.c.state == sa.literal_column("'free'"))
    .order_by(trials.c.number)
)
_ONE = Prepared(trials.select().where(trials.c.sweep == _sweep, trials.c.number == sa.bindparam("which")))
_OPEN = Prepared(
    trials.update()
    .where(trials.c.sweep == _sweep, trials.c.number == sa.bindparam("which"))
    .values(state=sa.literal_column("'open'"), run_id=_run)
)


def add_trials(
    write: Write, added: Sequence[Trial], digests: Sequence[str], *, request: str | None = None
) -> None:
    """With the digest of the parameters of each; empty for one whose parameters are not known yet."""
    write.execute(
        _ADD,
        [
            {**columns_of(trial), "digest": digest, "request": request}
            for trial, digest in zip(added, digests, strict=True)
        ],
    )


def columns_of(trial: Trial) -> dict[str, Any]:
    values = {name: getattr(trial, name) for name in _COLUMNS if hasattr(trial, name)}
    return {
        **values,
        "changed": 0,
        **reached_columns(trial.reached),
        "state": trial.state.value,
        "source": trial.source.value,
        "parameters": msgspec.json.encode(trial.parameters),
        "coordinates": msgspec.json.encode(trial.coordinates),
        "metrics": msgspec.json.encode(trial.metrics),
        "decision": None if trial.decision is None else msgspec.json.encode(trial.decision),
    }


def reached_columns(reached: Reached) -> dict[str, Any]:
    return {
        "intervals": reached.interval,
        "finite": reached.finite,
        "best": reached.best,
        "mean": reached.mean,
    }


def update_trial(write: Write, sweep: str, number: int, **changes: Any) -> None:
    """Values as `Trial` has them, and `digest`."""
    for name in ("parameters", "coordinates", "metrics", "decision"):
        if changes.get(name) is not None:
            changes[name] = msgspec.json.encode(changes[name])
    write.execute(trials.update().where(trials.c.sweep == sweep, trials.c.number == number).values(**changes))


def trial_of_run(read: Read, run_id: str) -> Trial | None:
    rows = read.execute(_OF_RUN, {"run": run_id}).rows
    return as_trial(rows[0]) if rows else None


def trial(read: Read, sweep: str, number: int) -> Trial | None:
    row = read.execute(_ONE, {"of": sweep, "which": number}).first()
    return as_trial(row) if row else None


def free(read: Read, sweep: str) -> list[int]:
    """The numbers of the places that a model is to draw for."""
    return read.execute(_FREE, {"of": sweep}).scalars()


def open_with(write: Write, sweep: str, number: int, run_id: str) -> None:
    """It has its run."""
    write.execute(_OPEN, {"of": sweep, "which": number, "run": run_id})


def as_trial(row: Any) -> Trial:
    return Trial(
        sweep=row.sweep,
        number=row.number,
        run_id=row.run_id,
        state=TrialState(row.state),
        source=Source(row.source),
        revision=row.revision,
        tries=row.tries,
        repeat=row.repeat,
        parameters=msgspec.json.decode(row.parameters),
        coordinates=msgspec.json.decode(row.coordinates),
        attributes=row.attributes,
        attempt=row.attempt,
        reached=Reached(row.intervals, row.finite, row.best, row.mean),
        status=row.status,
        value=row.value,
        metrics=tuple(msgspec.json.decode(row.metrics)),
        allowed=bool(row.allowed),
        decision=None if row.decision is None else msgspec.json.decode(row.decision, type=Decision),
    )


def given_by(read: Read, sweep: str, request: str) -> list[Trial]:
    """The trials that a request has given."""
    query = trials.select().where(trials.c.sweep == sweep, trials.c.request == request)
    return [as_trial(row) for row in read.execute(query.order_by(trials.c.number))]


def of_runs(read: Read, sweep: str, run_ids: Sequence[str]) -> list[Trial]:
    """The trials of a sweep that are these runs, those that were taken in among them."""
    found: list[Trial] = []
    for start in range(0, len(run_ids), _TOGETHER):
        some = trials.c.run_id.in_(run_ids[start : start + _TOGETHER])
        found += map(as_trial, read.execute(trials.select().where(trials.c.sweep == sweep, some)))
    return sorted(found, key=lambda trial: trial.number)


def numbered(read: Read, sweep: str, start: int, end: int) -> list[Trial]:
    """Trials from one number to before another."""
    some = (trials.c.sweep == sweep) & (trials.c.number >= start) & (trials.c.number < end)
    return [as_trial(row) for row in read.execute(trials.select().where(some).order_by(trials.c.number))]


def count_busy(read: Read, sweep: str) -> int:
    """Trials that hold one of the places that a sweep has."""
    return int(read.execute(_BUSY_COUNT, {"of": sweep}).rows[0].busy)


def first_waiting(read: Read, sweep: str) -> Trial | None:
    rows = read.execute(_FIRST_WAITING, {"of": sweep}).rows
    return as_trial(rows[0]) if rows else None


def is_taken(read: Read, sweep: str, digest: str) -> bool:
    """Whether a trial has these parameters."""
    return bool(read.execute(_TAKEN, {"of": sweep, "digest": digest}).rows)


def has_values(read: Read, sweep: str, count: int) -> bool:
    """Whether so many trials have ended with a value, adopted ones among them."""
    return bool(read.execute(_HAS_VALUES, {"of": sweep, "most": count}).scalar() >= count)


def in_state(read: Read, sweep: str, state: TrialState) -> list[Trial]:
    query = trials.select().where(trials.c.sweep == sweep, UNENDED, trials.c.state == state.value)
    return [as_trial(row) for row in read.execute(query.order_by(trials.c.number))]


def page(
    read: Read,
    sweep: str,
    *,
    offset: int = 0,
    limit: int | None = None,
    order: Sequence[Any] = (),
    own: bool = False,
) -> Iterator[Trial]:
    """`own`: without the runs that it was given to know."""
    query = trials.select().where(trials.c.sweep == sweep).order_by(*(order or (trials.c.number,)))
    if own:
        query = query.where(OWN)
    for row in read.execute(query.offset(offset).limit(limit)):
        yield as_trial(row)


def by_value(goal: str) -> tuple[Any, ...]:
    """The order of trials from best to worst: those without a value last, before them those that are not allowed."""
    value = trials.c.value.desc() if goal == "maximize" else trials.c.value.asc()
    return (trials.c.value.is_(None), ~trials.c.allowed, value, trials.c.number)


def drop_unissued(write: Write, sweep: str) -> None:
    """Forget trials that had no run yet: what was to be tried is tried no more."""
    unissued = (trials.c.sweep == sweep) & trials.c.state.in_(
        [TrialState.WAITING.value, TrialState.FREE.value]
    )
    write.execute(trials.delete().where(unissued, trials.c.tries == 0))
    ended = {"state": TrialState.ENDED.value, "status": RunStatus.FAILED.value}
    write.execute(trials.update().where(unissued).values(**ended))


def lowest_number(read: Read, sweep: str) -> int:
    """0 where no trial has one below."""
    query = sa.select(sa.func.min(trials.c.number)).where(trials.c.sweep == sweep)
    return min(0, read.execute(query).scalar() or 0)


def forget_decision(write: Write, sweep: str, number: int) -> None:
    which = (trials.c.sweep == sweep) & (trials.c.number == number)
    write.execute(trials.update().where(which).values(decision=None))


def drop_free(write: Write, sweep: str) -> None:
    """Forget places for which nothing can be drawn."""
    write.execute(trials.delete().where(trials.c.sweep == sweep, trials.c.state == TrialState.FREE.value))
