"""What the trials of a sweep logged of a metric, and when their runs began and ended."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from faena.client.metrics import series
from faena.client.workspaces.session import Session
from faena.kernel.errors import NotFound
from faena.runs.list_schemas import RunRow
from faena.sweeps.model import trial_run_id
from faena.sweeps.schemas import TrialView

NO_STEP = series.NO_STEP
_PAGE = 1000


class Logged(NamedTuple):
    """Values in the order of arrival, in 24 bytes each."""

    times: array[int]
    """Microseconds since 1970; never before the one before."""
    values: array[float]
    steps: array[int]
    """`NO_STEP` where none was given."""


def values_of(session: Session, run_id: str, metric: str) -> Logged:
    """Nothing where the run has no such metric, or is not there any more."""
    found = Logged(array("q"), array("d"), array("q"))
    latest = 0
    try:
        for part in series.parts(session, run_id, metric):
            for time, value in zip(part.time, part.value, strict=True):
                latest = max(latest, time)
                found.times.append(latest)
                found.values.append(value)
            found.steps.extend(part.step)
    except NotFound:
        pass
    return found


def runs_of(sweep: str, trial: TrialView) -> Iterator[str]:
    """All runs that a trial has had, in order: one for each time that it went again."""
    if trial.run_id is None:
        return
    yield from (trial_run_id(sweep, trial.number, earlier) for earlier in range(trial.tries))
    yield trial.run_id


def rows_of(session: Session, sweep: str, *, whole: bool = False) -> dict[str, RunRow]:
    """The runs of all trials. `whole`: with the last value of each metric."""
    return {row.id: row for row in session.api.listed(parent=sweep, whole=whole, limit=_PAGE)}
