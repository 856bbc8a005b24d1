"""Reads the queue of a cluster, with what is known of how long its runs take."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

import sqlalchemy as sa

from faena.compute import store as compute
from faena.compute.model import Cluster, NodeState
from faena.compute.waiting import Gpu, Waiting
from faena.db import Read
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.runs import outlook, quota_store, store
from faena.runs.model import SCRIPT_RUN, RunStatus
from faena.runs.queue import Queues, free_gpus
from faena.runs.store import runs
from faena.runs.waiting_line import forecasting
from faena.runs.waiting_line.forecasting import Occupied, Wish
from faena.runs.waiting_line.schemas import Queue, QueuedRun

MOST = 500
_LENGTHS = 20
"""Runs of an experiment whose lengths count, the latest of them."""
_LATEST = Prepared(
    sa.select(runs.c.started_at, runs.c.ended_at)
    .where(
        runs.c.experiment == sa.bindparam("of_experiment"),
        runs.c.status == sa.literal_column(f"'{RunStatus.COMPLETED.value}'"),
        runs.c.started_at.is_not(None),
        runs.c.cluster == sa.bindparam("in_cluster"),
    )
    .order_by(runs.c.created_at.desc(), runs.c.id.desc())
    .limit(sa.literal_column(str(_LENGTHS)))
)
_GOING_ON = Prepared(
    sa.select(runs.c.experiment, runs.c.node_count, runs.c.started_at).where(
        runs.c.cluster == sa.bindparam("in_cluster"),
        store.IS_UNFINISHED,
        runs.c.type == sa.literal_column(f"'{SCRIPT_RUN}'"),  # a sweep has nodes by its trials alone
        runs.c.status.in_(quota_store.ON_NODES),
    )
)


def queue(read: Read, name: str, now: Micros, most: int) -> Queue:
    """The first `most` runs in turn. Raises NotFound."""
    cluster = compute.cluster(read, name)
    if cluster is None:
        raise NotFound(f"There is no cluster {name[:80]!r}. `faena clusters` lists them.")
    first = outlook.first_in_turn(read, cluster, min(most, MOST), now)
    starting = may_start(read, cluster, now, len(first))
    found = store.get_many(read, [run_id for run_id, _ in first])
    listed = [
        QueuedRun(
            place,
            run_id,
            run.experiment,
            run.number,
            run.name,
            run.user,
            run.node_count,
            run.queued_at or run.created_at,
            stands.blocker,
            starting.get(run_id),
        )
        for place, (run_id, stands) in enumerate(first, 1)
        if (run := found.get(run_id)) is not None
    ]
    length = outlook.lengths(read).get(name, 0)
    return Queue(name, _nodes(read, cluster), length, listed)


def may_start(read: Read, cluster: Cluster, now: Micros, most: int) -> dict[str, Micros]:
    """When the first of its queue may start, of those of whom it can be said; as if all nodes were alike.

    Of runs that a quota will not let begin beside those before them nothing is said: they wait for their own. Nor is
    it of those that wait for a GPU: they are passed over meanwhile.
    """
    queues, waiting = Queues(read, now), list[Waiting]()
    passed_over = frozenset[Gpu]() if free_gpus(read, cluster).left > 0 else frozenset({Gpu.REQUIRE})
    in_turn = queues.in_turn(cluster.name, lambda: passed_over)  # with those that hold reservations
    for run in islice((each for each in in_turn if each.gpu not in passed_over), most):
        waiting.append(run)
        queues.shares.take(run)
    if not waiting:
        return {}
    going_on = list(read.execute(_GOING_ON, {"in_cluster": cluster.name}))
    experiments = {run.experiment for run in waiting} | {row.experiment for row in going_on}
    lengths = _lengths(read, cluster.name, experiments)
    occupied = [
        Occupied(
            row.node_count, forecasting.left(lengths[row.experiment], _seconds(row.started_at or now, now))
        )
        for row in going_on
    ]
    if read.view.hidden:  # what others keep to themselves has nodes, too
        held = compute.node_states(read, cluster.name).get(NodeState.RUNNING, 0)
        occupied.append(Occupied(max(0, held - sum(each.nodes for each in occupied)), None))
    wishes = [Wish(run.node_count, forecasting.takes(lengths[run.experiment])) for run in waiting]
    begins = forecasting.starts(_nodes(read, cluster), occupied, wishes)
    return {
        run.run_id: now + round(begin * 1e6)
        for run, begin in zip(waiting, begins, strict=True)
        if begin is not None
    }


def _nodes(read: Read, cluster: Cluster) -> int:
    """That it may have: those that there are, where nobody starts more."""
    there = sum(compute.node_states(read, cluster.name).values())
    return cluster.max_nodes if cluster.kind.grows else there


def _lengths(read: Read, cluster: str, experiments: Collection[str]) -> dict[str, list[float]]:
    """Seconds on nodes, by experiment."""
    return {
        name: [
            _seconds(row.started_at, row.ended_at)
            for row in read.execute(_LATEST, {"of_experiment": name, "in_cluster": cluster})
        ]
        for name in experiments
    }


def _seconds(begin: Micros, end: Micros) -> float:
    return max(0, end - begin) / 1e6
