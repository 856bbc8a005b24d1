"""Where a waiting run stands: its place in the queue and what it waits for, found out when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice

import sqlalchemy as sa

from faena.compute import store as compute
from faena.compute.gpu_shares import Gpus
from faena.compute.model import Cluster
from faena.compute.outlook import Outlook, outlook
from faena.compute.scheduling import in_turn, turn
from faena.compute.waiting import Gpu, Waiting, by_time
from faena.db import Read
from faena.db.prepared import Prepared
from faena.runs.model import Run, RunStatus
from faena.runs.queue import Queues, free_gpus, in_cluster
from faena.runs.store import QUEUED, runs

_COUNTED = Prepared(
    sa.select(runs.c.gpu, runs.c.experiment, sa.func.count().label("length"))
    .where(QUEUED, runs.c.cluster == in_cluster)
    .group_by(runs.c.gpu, runs.c.experiment)
)
_BEFORE = Prepared(
    sa.select(runs.c.gpu, sa.func.count().label("length"))
    .where(
        QUEUED,
        runs.c.cluster == in_cluster,
        runs.c.gpu.in_([sa.literal_column(f"'{kind}'") for kind in Gpu]),
        runs.c.experiment == sa.bindparam("of_experiment"),
        sa.tuple_(runs.c.queued_at, runs.c.id) < sa.tuple_(sa.bindparam("at"), sa.bindparam("before")),
    )
    .group_by(runs.c.gpu)
)


def outlook_of(read: Read, run: Run) -> Outlook | None:
    """What a run waits for; None for one that waits for no nodes."""
    if run.status is not RunStatus.QUEUED:
        return None
    if (cluster := compute.cluster(read, run.cluster)) is None:
        return Outlook(
            0,
            f"cluster {run.cluster!r}, which is not there any more: make one of that name, or cancel the run",
        )
    me = Waiting(
        run.id, run.experiment, run.node_count, run.queued_at or run.created_at, run.reserved, Gpu(run.gpu)
    )
    gpus = free_gpus(read, cluster)
    ahead = runs_before(read, cluster.name, me, _counted(me, gpus))
    return outlook(cluster, compute.node_states(read, cluster.name), me, ahead, gpus)


def _counted(me: Waiting, gpus: Gpus) -> frozenset[Gpu]:
    """The kinds of runs that come before this one: those that wait for GPUs are passed over by those that do not."""
    if me.gpu is Gpu.REQUIRE or gpus.left > 0:
        return frozenset(Gpu)
    return frozenset(Gpu) - {Gpu.REQUIRE}


def runs_before(read: Read, cluster: str, me: Waiting, kinds: frozenset[Gpu]) -> int:
    """How many runs of these kinds come before it, as `in_turn` has them, by counting."""
    queues = Queues(read)
    reserved = [run for run in queues.reserved(cluster) if run.gpu in kinds]
    if me.reserved:
        order = list(in_turn({}, reserved, queues.served(cluster)))
        return next((place for place, run in enumerate(order) if run.run_id == me.run_id), 0)
    lengths: Counter[str] = Counter()
    for row in read.execute(_COUNTED, {"in_cluster": cluster}):
        lengths[row.experiment] += int(row.length) if row.gpu in kinds else 0
    place = {"in_cluster": cluster, "of_experiment": me.experiment, "at": me.queued_at, "before": me.run_id}
    before = sum(int(row.length) for row in read.execute(_BEFORE, place) if row.gpu in kinds)
    first = Counter(run.experiment for run in reserved)
    earlier = sum(run.experiment == me.experiment and by_time(run) < by_time(me) for run in reserved)
    depth = first[me.experiment] + before - earlier
    turns = _turns(queues, cluster, kinds, reserved)
    mine = turns.get(me.experiment, turn(0, me))
    others = sum(
        max(0, min(length, depth + (turns[name] < mine)) - first[name])
        for name, length in lengths.items()
        if name != me.experiment and name in turns
    )
    return len(reserved) + before - earlier + others


def _turns(
    queues: Queues, cluster: str, kinds: frozenset[Gpu], reserved: list[Waiting]
) -> dict[str, tuple[int, int, str]]:
    heads = queues.heads(cluster, kinds)
    for run in sorted(reserved, key=by_time, reverse=True):
        heads[run.experiment] = run
    served = queues.served(cluster)
    return {name: turn(served.get(name, 0), head) for name, head in heads.items()}


def first_in_turn(read: Read, cluster: Cluster, most: int) -> list[tuple[str, Outlook]]:
    """The ids of the first runs of a cluster's queue, in turn, and what each waits for."""
    gpus, states = free_gpus(read, cluster), compute.node_states(read, cluster.name)
    found: list[tuple[str, Outlook]] = []
    before: Counter[Gpu] = Counter()
    for run in islice(Queues(read).in_turn(cluster.name, frozenset), most):
        ahead = sum(before[kind] for kind in _counted(run, gpus))
        found.append((run.run_id, outlook(cluster, states, run, ahead, gpus)))
        before[run.gpu] += 1
    return found


def lengths(read: Read) -> Mapping[str, int]:
    """How many runs queue, by cluster."""
    counted = (
        sa.select(runs.c.cluster, sa.func.count().label("length")).where(QUEUED).group_by(runs.c.cluster)
    )
    return {row.cluster: row.length for row in read.execute(counted)}
