"""SQL of the runs of trials: how they stand, and how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from faena.db import Read
from faena.runs.model import RunStatus
from faena.runs.store import runs
from faena.sweeps.endings import Failure
from faena.sweeps.model import Source, SweepState, Trial, TrialState
from faena.sweeps.store import sweeps
from faena.sweeps.trial_store import OWN, as_trial, lowest_number, trials
from faena.workspaces import needs

_TOGETHER = 500
"""Ids in one question."""
_UNENDED_TRIALS: sa.ColumnElement[Any] = sa.literal_column("sweep_trials.state != 'ended'")


def counts(read: Read, sweep: str) -> dict[str, int]:
    """Its own trials by the status of their runs, `Waiting` for those that have none."""
    ended = (
        sa.select(trials.c.status, sa.func.count().label("count"))
        .where(trials.c.sweep == sweep, trials.c.state == TrialState.ENDED.value, OWN)
        .group_by(trials.c.status)
    )
    status = sa.func.coalesce(runs.c.status, sa.literal("Waiting"))
    others = (
        sa.select(status.label("status"), sa.func.count().label("count"))
        .select_from(trials.outerjoin(runs, runs.c.id == trials.c.run_id))
        .where(trials.c.sweep == sweep, _UNENDED_TRIALS)
        .group_by(status)
    )
    found: dict[str, int] = {}
    for row in [*read.execute(ended), *read.execute(others)]:
        found[row.status] = found.get(row.status, 0) + row.count
    return found


def count_adopted(read: Read, sweep: str) -> int:
    """Runs that were there before: they have the numbers below 0, without gaps."""
    return -lowest_number(read, sweep)


def statuses(read: Read, run_ids: Sequence[str]) -> Mapping[str, str]:
    """Of those of these runs that are not deleted."""
    found: dict[str, str] = {}
    for start in range(0, len(run_ids), _TOGETHER):
        some = runs.c.id.in_(run_ids[start : start + _TOGETHER])
        query = sa.select(runs.c.id, runs.c.status).where(some, runs.c.deletion.is_(None))
        found.update({row.id: row.status for row in read.execute(query)})
    return found


def has_unended(read: Read, sweep: str) -> bool:
    query = sa.select(sa.exists().where(trials.c.sweep == sweep, _UNENDED_TRIALS))
    return bool(read.execute(query).scalar())


def open_whose_run_ended(read: Read, sweep: str) -> list[str]:
    """Runs of trials that are open although their run has ended, or is not there any more."""
    query = (
        sa.select(trials.c.run_id)
        .outerjoin(runs, runs.c.id == trials.c.run_id)
        .where(trials.c.sweep == sweep, trials.c.state == TrialState.OPEN.value)
        .where(runs.c.id.is_(None) | runs.c.ended_at.is_not(None))
    )
    return list(read.execute(query).scalars())


def ended_in(read: Read, sweep: str, status: RunStatus) -> list[Trial]:
    query = trials.select().where(trials.c.sweep == sweep, trials.c.status == status.value)
    query = query.where(trials.c.source != Source.ADOPTED.value)
    return [as_trial(row) for row in read.execute(query.order_by(trials.c.number))]


def first_ended(read: Read, sweep: str, most: int) -> list[Failure | None]:
    """How its own first trials ended, in order: None for one that did not fail."""
    columns = (runs.c.id, runs.c.status, runs.c.reason, runs.c.message, runs.c.last_lines)
    query = (
        sa.select(*columns)
        .join_from(trials, runs, runs.c.id == trials.c.run_id)
        .where(
            trials.c.sweep == sweep, trials.c.state == TrialState.ENDED.value, runs.c.ended_at.is_not(None)
        )
        .where(OWN)
        .order_by(runs.c.ended_at, trials.c.number)
        .limit(most)
    )
    return [_failure(row) for row in read.execute(query)]


def _failure(row: Any) -> Failure | None:
    if row.status != RunStatus.FAILED.value:
        return None
    lines = [line for line in msgspec.json.decode(row.last_lines or b"[]", type=list[str]) if line.strip()]
    return Failure(row.id, row.reason or "", lines[-1] if lines else row.message or "")


class Ready(NamedTuple):
    run_id: str
    lock: str
    python: str


def ready_environment(read: Read, sweep: str) -> Ready | None:
    """Of a trial that has one."""
    query = (
        sa.select(runs.c.id, runs.c.lock, runs.c.python)
        .join_from(trials, runs, runs.c.id == trials.c.run_id)
        .where(trials.c.sweep == sweep, runs.c.lock.is_not(None), runs.c.python.is_not(None))
        .limit(1)
    )
    row = read.execute(query).first()
    return Ready(row.id, row.lock, row.python) if row else None


@needs.keepers.add
def kept_while_it_goes_on(read: Read, run_ids: Sequence[str], _: needs.Models) -> needs.Kept | None:
    """Trials of a sweep that goes on: the best of it is asked for."""
    found: list[str] = []
    for start in range(0, len(run_ids), _TOGETHER):
        part = run_ids[start : start + _TOGETHER]
        query = (
            sa.select(trials.c.run_id)
            .join_from(trials, sweeps, sweeps.c.run_id == trials.c.sweep)
            .where(trials.c.run_id.in_(part), sweeps.c.state != SweepState.ENDED.value)
        )
        found += read.execute(query).scalars()
    if not found:
        return None
    why = f"Trials of a sweep that goes on: {needs.few(found)}. Cancel the sweep, or wait for it, and delete then."
    return needs.Kept(tuple(found), why)
