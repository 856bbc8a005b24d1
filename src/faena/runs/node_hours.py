"""How long persons and experiments have had nodes: of attempts that are over it is kept, of the others it is found."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from faena.compute.shares import Line
from faena.db import Read, Write
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs import quota_store
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.months import begin_of, by_month
from faena.runs.phase_store import phases
from faena.runs.store import IS_UNFINISHED, runs

ON_NODES = (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.FINALIZING)
"""The phases of a run in which it has nodes, if it is one that gets any."""
_IS_STARTING = phases.c.name == sa.literal_column(f"'{RunStatus.STARTING.value}'")
_BEGAN = Prepared(
    sa.select(sa.func.max(phases.c.started_at)).where(
        phases.c.run_id == sa.bindparam("run"), phases.c.attempt == sa.bindparam("which"), _IS_STARTING
    )
)
_GOING_ON = Prepared(
    sa.select(runs.c.user, runs.c.experiment, runs.c.node_count, phases.c.started_at)
    .join_from(runs, phases, phases.c.run_id == runs.c.id)
    .where(
        IS_UNFINISHED,
        runs.c.status.in_(quota_store.ON_NODES),
        phases.c.attempt == runs.c.attempt,
        _IS_STARTING,
    )
)


def count(write: Write, run: Run, now: Micros) -> None:
    """A run is about to leave its nodes, or to end; silent for one that has none."""
    if run.type != SCRIPT_RUN or run.status not in ON_NODES:
        return
    began = write.execute(_BEGAN, {"run": run.id, "which": run.attempt}).scalar()
    if began is not None:
        months = by_month(began, now)
        used = {month: part * run.node_count for month, part in months.items()}
        quota_store.add_use(write, Line(run.user, run.experiment), used)


def used_in(read: Read, month: int, now: Micros) -> Counter[Line]:
    """Microseconds of nodes in a month, until now."""
    found = Counter(quota_store.used_in(read, month))
    begin = begin_of(month)
    for row in read.execute(_GOING_ON):
        spent = by_month(max(row.started_at, begin), now).get(month, 0)
        found[Line(row.user, row.experiment)] += spent * row.node_count
    return found
