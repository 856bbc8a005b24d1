"""How far the trials of a sweep are, in tables: what its policy asks in the transaction that brings a value.

`standings.py` holds the same in memory; `progress.py` says what both are.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from faena.db import Integer, Write, metadata, upsert
from faena.db.prepared import Prepared
from faena.runs.store import OF_RUN
from faena.sweeps import trial_store
from faena.sweeps.model import Sweep, TrialState
from faena.sweeps.progress import Reached, Row, State, is_better
from faena.sweeps.trial_store import trials

records = sa.Table(
    "sweep_records",
    metadata,
    sa.Column("sweep", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("interval", Integer, primary_key=True),
    sa.Column("best", sa.Double, nullable=False),
    sa.Column("number", Integer, nullable=False),
)
"""The best value that any trial logged at `interval` or before; a row only where that improves."""

rows = sa.Table(
    "sweep_ranks",
    metadata,
    sa.Column("sweep", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("interval", Integer, primary_key=True),
    sa.Column("bracket", Integer, nullable=False),
    sa.Column("key", sa.Double, nullable=False),
    sa.Index("sweep_ranks_by_key", "sweep", "interval", "bracket", "key", "number"),
)
"""A trial's place among those that reached an interval, for policies that rank."""

_sweep: sa.BindParameter[str] = sa.bindparam("of")
_interval: sa.BindParameter[int] = sa.bindparam("at")
_bracket: sa.BindParameter[int] = sa.bindparam("within")
_RECORD = Prepared(
    sa.select(records.c.best)
    .where(records.c.sweep == _sweep, records.c.interval <= _interval)
    .order_by(records.c.interval.desc())
    .limit(1)
)
_IN_RANK = (rows.c.sweep == _sweep, rows.c.interval == _interval, rows.c.bracket == _bracket)
_COUNT = Prepared(sa.select(sa.func.count().label("count")).select_from(rows).where(*_IN_RANK))
_NTH = Prepared(
    sa.select(rows.c.key, rows.c.number)
    .where(*_IN_RANK)
    .order_by(rows.c.key, rows.c.number)
    .limit(1)
    .offset(sa.bindparam("place", type_=sa.Integer))
)


class Standing:
    """Of one sweep, within a transaction; see `progress.Standings`."""

    def __init__(self, write: Write, sweep: Sweep) -> None:
        self._write = write
        self._sweep = sweep
        self._goal = sweep.spec.objectives[0].goal

    def best_until(self, interval: int) -> float | None:
        found = self._write.execute(_RECORD, {"of": self._sweep.run_id, "at": interval}).rows
        return float(found[0].best) if found else None

    def count(self, interval: int, bracket: int) -> int:
        where = {"of": self._sweep.run_id, "at": interval, "within": bracket}
        return int(self._write.execute(_COUNT, where).rows[0].count)

    def nth(self, interval: int, bracket: int, place: int) -> tuple[float, int]:
        where = {"of": self._sweep.run_id, "at": interval, "within": bracket, "place": place}
        [found] = self._write.execute(_NTH, where).rows
        return float(found.key), int(found.number)

    def state(self, number: int) -> State:
        trial = trial_store.trial(self._write, self._sweep.run_id, number)
        if trial is None or trial.state is not TrialState.ENDED:
            return "stopped" if trial is not None and trial.decision is not None else "running"
        return "ended" if trial.decision is None else "stopped"

    def reached(self, number: int) -> Reached:
        trial = trial_store.trial(self._write, self._sweep.run_id, number)
        return Reached() if trial is None else trial.reached

    def running_from(self, interval: int) -> Sequence[tuple[int, Reached]]:
        query = (
            trials.select()
            .where(
                trials.c.sweep == self._sweep.run_id,
                trial_store.UNENDED,
                trials.c.state == TrialState.OPEN.value,
            )
            .where(trials.c.decision.is_(None), trials.c.intervals >= interval)
            .order_by(trials.c.number)
        )
        return [
            (trial.number, trial.reached) for trial in map(trial_store.as_trial, self._write.execute(query))
        ]

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        trial_store.update_trial(
            self._write, self._sweep.run_id, number, **trial_store.reached_columns(reached)
        )
        if reached.best is not None:
            self._record(number, reached.interval, reached.best)
        if row is not None and not (
            self._sweep.spec.policy.exclude_finished and self.state(number) != "running"
        ):
            place = {"interval": row.interval, "bracket": row.bracket, "key": row.key}
            upsert(
                self._write, rows, {"sweep": self._sweep.run_id, "number": number, **place}, update=["key"]
            )

    def stop(self, number: int) -> None:
        """Its decision is kept by whoever asked for it."""
        self._leave(number)

    def end(self, number: int) -> None:
        """A trial ended by itself, or because somebody asked."""
        self._leave(number)

    def _leave(self, number: int) -> None:
        if self._sweep.spec.policy.exclude_finished:
            self._forget_ranks(number)

    def restart(self, number: int, attempt: int) -> None:
        """A new attempt, which begins at the first interval: what an earlier one logged counts no more.

        The others' records are made anew out of what each has come to: where one of them was better at an earlier
        interval than it says, a policy is the more lenient.
        """
        sweep = self._sweep.run_id
        trial_store.update_trial(
            self._write, sweep, number, attempt=attempt, **trial_store.reached_columns(Reached())
        )
        self._forget_ranks(number)
        mine = (records.c.sweep == sweep) & (records.c.number == number)
        if self._write.execute(records.delete().where(mine)).rowcount:
            others = sa.select(trials.c.number, trials.c.intervals, trials.c.best).where(
                trials.c.sweep == sweep, trials.c.number >= 0, trials.c.best.is_not(None)
            )
            for other in self._write.execute(others.order_by(trials.c.intervals)).all():
                self._record(other.number, other.intervals, other.best)

    def _forget_ranks(self, number: int) -> None:
        mine = (rows.c.sweep == self._sweep.run_id) & (rows.c.number == number)
        self._write.execute(rows.delete().where(mine))

    def _record(self, number: int, interval: int, value: float) -> None:
        """The records after an interval that are no better than its own give way."""
        if not is_better(self._goal, value, self.best_until(interval)):
            return
        sweep = self._sweep.run_id
        no_better = records.c.best <= value if self._goal == "maximize" else records.c.best >= value
        later = (records.c.sweep == sweep) & (records.c.interval >= interval)
        self._write.execute(records.delete().where(later, no_better))
        record = {"sweep": sweep, "interval": interval, "best": value, "number": number}
        upsert(self._write, records, record, update=["best", "number"])
