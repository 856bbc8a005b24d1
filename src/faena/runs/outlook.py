"""Where a waiting run stands: its place in the queue and what it waits for, found out when somebody asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice
from math import ceil

import sqlalchemy as sa
from msgspec import Struct, structs
from msgspec.structs import astuple

from faena.compute import store as compute
from faena.compute.gpu_shares import Gpus
from faena.compute.model import Cluster
from faena.compute.outlook import Outlook, outlook
from faena.compute.shares import Line, Shares, line_of
from faena.compute.turns import Place, in_turn, place_of, turn
from faena.compute.waiting import Gpu, Waiting, by_time
from faena.db import Read
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs.model import Run, RunStatus
from faena.runs.queue import Queues, free_gpus
from faena.runs.queue_store import in_cluster
from faena.runs.store import QUEUED, runs

_COUNTED = Prepared(
    sa.select(
        runs.c.gpu,
        runs.c.user,
        runs.c.experiment,
        sa.func.count().label("length"),
        sa.func.sum(runs.c.node_count).label("nodes"),
    )
    .where(QUEUED, runs.c.cluster == in_cluster)
    .group_by(runs.c.gpu, runs.c.user, runs.c.experiment)
)
_BEFORE = Prepared(
    sa.select(runs.c.gpu, sa.func.count().label("length"))
    .where(
        QUEUED,
        runs.c.cluster == in_cluster,
        runs.c.gpu.in_([sa.literal_column(f"'{kind}'") for kind in Gpu]),
        runs.c.user == sa.bindparam("of_user"),
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
        run.id,
        run.experiment,
        run.node_count,
        run.queued_at or run.created_at,
        run.reserved,
        Gpu(run.gpu),
        run.user,
    )
    gpus, queues = free_gpus(read, cluster), Queues(read)
    ahead = runs_before(read, queues, cluster.name, me, _counted(me, gpus))
    return outlook(
        cluster, compute.node_states(read, cluster.name), me, ahead, gpus, queues.shares.refusal(me)
    )


def _counted(me: Waiting, gpus: Gpus) -> frozenset[Gpu]:
    """The kinds of runs that come before this one: those that wait for GPUs are passed over by those that do not."""
    if me.gpu is Gpu.REQUIRE or gpus.left > 0:
        return frozenset(Gpu)
    return frozenset(Gpu) - {Gpu.REQUIRE}


class _Length(Struct, frozen=True):
    """Of a line, or of all lines of a person. `first`: those that hold reservations."""

    runs: int = 0
    nodes: int = 0
    first: int = 0
    first_nodes: int = 0

    def __add__(self, other: _Length) -> _Length:
        return _Length(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def mean(self) -> float:
        """Nodes of a run."""
        return self.nodes / self.runs if self.runs else 1.0

    def within(self, left: int | None) -> _Length:
        """Of those runs that may have so many nodes; None: of all."""
        if left is None or left >= self.nodes:
            return self
        some = int(left / self.mean)
        return structs.replace(self, runs=max(some, self.first), nodes=round(some * self.mean))


def runs_before(read: Read, queues: Queues, cluster: str, me: Waiting, kinds: frozenset[Gpu]) -> int:
    """How many runs of these kinds come before it, as `in_turn` has them, by counting.

    Of persons whose runs want different numbers of nodes the mean counts: then it is about so many.
    """
    reserved = [run for run in queues.reserved(cluster) if run.gpu in kinds]
    if me.reserved:
        order = list(in_turn({}, reserved, queues.served(cluster), queues.shares, with_refused=True))
        return next((place for place, run in enumerate(order) if run.run_id == me.run_id), 0)
    lengths = _lengths(read, queues, cluster, me, kinds, reserved)
    place = {"in_cluster": cluster, "of_user": me.user, "of_experiment": me.experiment}
    rows = read.execute(_BEFORE, {**place, "at": me.queued_at, "before": me.run_id})
    before = sum(int(row.length) for row in rows if row.gpu in kinds)
    before -= sum(line_of(run) == line_of(me) and by_time(run) < by_time(me) for run in reserved)
    depth = lengths[line_of(me)].first + before
    heads = _heads(queues, cluster, kinds, reserved)
    served = queues.served(cluster)
    turns = {line: turn(served.get(line.experiment, 0), head) for line, head in heads.items()}
    mine = turns.get(line_of(me), turn(0, me))
    own = before + sum(
        max(0, min(length.runs, depth + (turns[line] < mine)) - length.first)
        for line, length in lengths.items()
        if line.user == me.user and line != line_of(me) and line in turns
    )
    return len(reserved) + own + _of_others(me, own, lengths, heads, queues.shares)


def _lengths(
    read: Read, queues: Queues, cluster: str, me: Waiting, kinds: frozenset[Gpu], reserved: list[Waiting]
) -> defaultdict[Line, _Length]:
    """Of what may come before the run: of others no more than their quotas let begin now."""
    found: defaultdict[Line, _Length] = defaultdict(_Length)
    for row in read.execute(_COUNTED, {"in_cluster": cluster}):
        if row.gpu in kinds:
            found[Line(row.user, row.experiment)] += _Length(int(row.length), int(row.nodes))
    for run in reserved:
        found[line_of(run)] += _Length(first=1, first_nodes=run.node_count)
    if queues.shares.limits:
        for line, length in found.items():
            if line != line_of(me):
                found[line] = length.within(queues.shares.left(line))
    return found


def _heads(
    queues: Queues, cluster: str, kinds: frozenset[Gpu], reserved: list[Waiting]
) -> dict[Line, Waiting]:
    heads = queues.heads(cluster, kinds)
    for run in sorted(reserved, key=by_time, reverse=True):
        heads[line_of(run)] = run
    return heads


def _of_others(
    me: Waiting, own: int, lengths: Mapping[Line, _Length], heads: Mapping[Line, Waiting], shares: Shares
) -> int:
    """How many runs of other persons come before the run, of whose person `own` ones do; reservations aside."""
    people: defaultdict[str, _Length] = defaultdict(_Length)
    since: dict[str, tuple[int, str]] = {}
    for line, head in heads.items():
        people[line.user] += lengths[line]
        since[line.user] = min(since.get(line.user, by_time(head)), by_time(head))
    since.setdefault(me.user, by_time(me))

    def place(user: str, drawn: int) -> Place:
        return place_of(user, shares, shares.used_by(user), drawn, since[user])

    def runs_until(user: str, mine: Place) -> int:
        theirs = people[user]
        begin = place(user, theirs.first_nodes)
        behind = (mine.uses - begin.uses) / theirs.mean
        before = ceil(behind)
        if before == behind and begin[1:] < mine[1:]:
            before += 1
        return max(0, min(before, theirs.runs - theirs.first))

    mine = place(me.user, people[me.user].first_nodes + round(own * people[me.user].mean))
    return sum(runs_until(user, mine) for user in people if user != me.user)


def first_in_turn(
    read: Read, cluster: Cluster, most: int, now: Micros | None = None
) -> list[tuple[str, Outlook]]:
    """The ids of the first runs of a cluster's queue, in turn, and what each waits for. `now`: None: it is now."""
    gpus, states = free_gpus(read, cluster), compute.node_states(read, cluster.name)
    found: list[tuple[str, Outlook]] = []
    before: Counter[Gpu] = Counter()
    queues = Queues(read, now)
    for run in islice(queues.in_turn(cluster.name, frozenset, with_refused=True), most):
        refusal = queues.shares.refusal(run)
        ahead = sum(before[kind] for kind in _counted(run, gpus))
        found.append((run.run_id, outlook(cluster, states, run, ahead, gpus, refusal)))
        if refusal is not None:
            continue
        before[run.gpu] += 1
    return found


def lengths(read: Read) -> Mapping[str, int]:
    """How many runs queue, by cluster."""
    counted = (
        sa.select(runs.c.cluster, sa.func.count().label("length")).where(QUEUED).group_by(runs.c.cluster)
    )
    return {row.cluster: row.length for row in read.execute(counted)}
