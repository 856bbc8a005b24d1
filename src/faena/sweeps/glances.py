"""SQL that looks at many trials of a sweep at once, as a page does: few columns, nothing decoded that is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from faena.db import Read
from faena.db.prepared import Prepared
from faena.sweeps.model import Trial, TrialState
from faena.sweeps.store import sweeps
from faena.sweeps.trial_store import UNENDED, as_trial, trials

_TOGETHER = 500
_VALUES = Prepared(
    sa.select(trials.c.number, trials.c.value, trials.c.allowed, trials.c.digest)
    .where(trials.c.sweep == sa.bindparam("of"))
    .order_by(trials.c.number)
)
_RUN = Prepared(
    sa.select(trials.c.run_id).where(
        trials.c.sweep == sa.bindparam("of"), trials.c.number == sa.bindparam("which")
    )
)


class Standing(NamedTuple):
    """What places a trial among the others."""

    number: int
    value: float | None
    """None before it has ended, and where there is no finite one."""
    allowed: bool
    digest: str
    """Of its parameters."""


def standings(read: Read, sweep: str) -> dict[int, Standing]:
    """Of all trials, by number."""
    return {row[0]: Standing._make(row) for row in read.execute(_VALUES, {"of": sweep})}


def first_by_value(read: Read, sweep: str, goal: str) -> Trial | None:
    """The best single trial that has ended, of those that are allowed; None where no such one has a value."""
    by = trials.c.value.desc() if goal == "maximize" else trials.c.value.asc()
    query = trials.select().where(trials.c.sweep == sweep, trials.c.value.is_not(None), trials.c.allowed)
    row = read.execute(query.order_by(by, trials.c.number).limit(1)).first()
    return as_trial(row) if row else None


def numbered(read: Read, sweep: str, numbers: Sequence[int]) -> list[Trial]:
    """The trials with these numbers, in this order."""
    found = {row.number: as_trial(row) for row in _rows(read, sweep, numbers, trials.select())}
    return [found[number] for number in numbers if number in found]


def parameters(read: Read, sweep: str, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """By number, of those trials that are there."""
    columns = sa.select(trials.c.number, trials.c.parameters)
    return {row.number: msgspec.json.decode(row.parameters) for row in _rows(read, sweep, numbers, columns)}


def _rows(read: Read, sweep: str, numbers: Sequence[int], query: sa.Select[Any]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(numbers), _TOGETHER):
        part = list(numbers[start : start + _TOGETHER])
        found += read.execute(query.where(trials.c.sweep == sweep, trials.c.number.in_(part)))
    return found


def going(read: Read, sweep: str, most: int) -> list[str]:
    """Runs of the latest trials that go on."""
    is_open = trials.c.state == TrialState.OPEN.value
    query = sa.select(trials.c.run_id).where(trials.c.sweep == sweep, UNENDED, is_open)
    return list(read.execute(query.order_by(trials.c.number.desc()).limit(most)).scalars())


def run_of(read: Read, sweep: str, number: int) -> str | None:
    """The latest run of a trial; None where there is none."""
    found: str | None = read.execute(_RUN, {"of": sweep, "which": number}).scalar()
    return found


def issued(read: Read, run_ids: Sequence[str]) -> dict[str, int]:
    """How many trials each of those runs that are sweeps has."""
    query = sa.select(sweeps.c.run_id, sweeps.c.issued).where(sweeps.c.run_id.in_(list(run_ids)))
    return {row.run_id: row.issued for row in read.execute(query)}
