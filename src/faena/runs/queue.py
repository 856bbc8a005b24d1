"""The queues of the clusters, read by light columns out of an index, and no further than is asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.compute import gpus as machine
from faena.compute import store as compute
from faena.compute.gpu_shares import FreeGpus, Gpus, own_gpus
from faena.compute.model import Cluster, ClusterKind
from faena.compute.scheduling import in_turn
from faena.compute.waiting import Gpu, Waiting, Wanted, by_time
from faena.db import Read
from faena.db.prepared import Prepared
from faena.runs.store import QUEUED, RESERVED, UNPREPARED, runs
from faena.workspaces.store import experiments

_PART, _LONGEST_PART = 8, 512
"""Runs of a line that are read at once: few at first, since few are placed."""

in_cluster: sa.BindParameter[str] = sa.bindparam("in_cluster")
_most: sa.BindParameter[int] = sa.bindparam("most")
_LIGHT = (runs.c.id, runs.c.experiment, runs.c.node_count, runs.c.queued_at, runs.c.gpu)


def _first_experiment(
    cluster: sa.ColumnElement[str], gpu: sa.ColumnElement[str], after: sa.ColumnElement[str] | None = None
) -> sa.ScalarSelect[Any]:
    found = sa.select(sa.func.min(runs.c.experiment)).where(
        QUEUED, runs.c.cluster == cluster, runs.c.gpu == gpu
    )
    return (
        (found if after is None else found.where(runs.c.experiment > after))
        .correlate_except(runs)
        .scalar_subquery()
    )


def _lines() -> sa.CTE:
    """Each cluster, kind and experiment that has a queue: a step through the index each, however long the queues."""
    kinds = sa.union_all(*(sa.select(sa.literal_column(f"'{kind}'").label("gpu")) for kind in Gpu)).subquery()
    names = compute.clusters.c.name
    found = (
        sa.select(
            names.label("cluster"), kinds.c.gpu, _first_experiment(names, kinds.c.gpu).label("experiment")
        )
        .join_from(compute.clusters, kinds, sa.true())
        .cte("lines", recursive=True)
    )
    following = _first_experiment(found.c.cluster, found.c.gpu, found.c.experiment)
    return found.union_all(
        sa.select(found.c.cluster, found.c.gpu, following).where(found.c.experiment.is_not(None))
    )


def _heads() -> sa.Select[Any]:
    lines = _lines()

    def head(column: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
        mine = (
            runs.c.cluster == lines.c.cluster,
            runs.c.gpu == lines.c.gpu,
            runs.c.experiment == lines.c.experiment,
        )
        found = sa.select(column).where(QUEUED, *mine).order_by(runs.c.queued_at, runs.c.id).limit(1)
        return found.correlate(lines).scalar_subquery()

    columns = [head(column).label(column.name) for column in (runs.c.id, runs.c.node_count, runs.c.queued_at)]
    return sa.select(
        lines.c.cluster, lines.c.gpu, lines.c.experiment, experiments.c.served, *columns
    ).join_from(lines, experiments, experiments.c.name == lines.c.experiment)


_HEADS = Prepared(_heads())
_AFTER = Prepared(
    sa.select(*_LIGHT)
    .where(
        QUEUED,
        runs.c.cluster == in_cluster,
        runs.c.gpu == sa.bindparam("kind"),
        runs.c.experiment == sa.bindparam("of_experiment"),
        sa.tuple_(runs.c.queued_at, runs.c.id) > sa.tuple_(sa.bindparam("at"), sa.bindparam("after")),
    )
    .order_by(runs.c.queued_at, runs.c.id)
    .limit(_most)
)
_RESERVED = Prepared(sa.select(runs.c.cluster, *_LIGHT).where(RESERVED, QUEUED))


def _nodes_of(*conditions: Any) -> sa.ScalarSelect[Any]:
    some = (
        sa.select(runs.c.node_count).where(*conditions, runs.c.cluster == in_cluster).limit(_most).subquery()
    )
    return sa.select(sa.func.coalesce(sa.func.sum(some.c.node_count), 0)).scalar_subquery()


_WANTED = Prepared(
    sa.select(
        _nodes_of(QUEUED, runs.c.gpu == sa.literal_column("'none'")).label("none"),
        _nodes_of(QUEUED, runs.c.gpu == sa.literal_column("'auto'")).label("auto"),
        _nodes_of(UNPREPARED).label("unprepared"),
        _nodes_of(QUEUED, runs.c.gpu == sa.literal_column("'require'")).label("required"),
    )
)


def _waiting(row: Any, *, reserved: bool = False) -> Waiting:
    """Raises ValueError for a row that holds what no run can have: a database may be told to keep anything."""
    if not isinstance(row.node_count, int) or not isinstance(row.queued_at, int) or row.node_count < 1:
        raise ValueError(f"node_count {row.node_count!r}, queued_at {row.queued_at!r}")
    return Waiting(row.id, row.experiment, row.node_count, row.queued_at, reserved, Gpu(row.gpu))


_FIRST = Prepared(sa.select(runs.c.id).where(QUEUED).limit(1))


class _Head(Struct, frozen=True):
    """The first run of those of an experiment that are of one kind; `served`: when the experiment last had its turn."""

    run: Waiting
    served: int


class Queues:
    """The queues of all clusters as they are now, read as far as they are asked for."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.unreadable: list[str] = []
        """Runs whose rows hold what they never should."""
        self._reserved: dict[str, list[Waiting]] = {}
        for row in read.execute(_RESERVED):
            if run := self._readable(row, reserved=True):
                self._reserved.setdefault(row.cluster, []).append(run)
        self._heads: dict[str, list[_Head]] = {}
        for row in read.execute(_HEADS):
            if run := self._readable(row):
                self._heads.setdefault(row.cluster, []).append(_Head(run, row.served))

    @property
    def wants_gpus(self) -> bool:
        return any(head.run.gpu is not Gpu.NONE for heads in self._heads.values() for head in heads)

    def reserved(self, cluster: str) -> list[Waiting]:
        return self._reserved.get(cluster, [])

    def waits(self, cluster: str) -> bool:
        """Whether a run waits for nodes of the cluster."""
        return bool(self._heads.get(cluster) or self._reserved.get(cluster))

    def kinds(self, cluster: str) -> set[Gpu]:
        """Of the runs that wait for nodes of the cluster: whether they want GPUs."""
        heads = {head.run.gpu for head in self._heads.get(cluster, ())}
        return heads | {run.gpu for run in self.reserved(cluster)}

    def served(self, cluster: str) -> dict[str, int]:
        """By experiment."""
        return {head.run.experiment: head.served for head in self._heads.get(cluster, ())}

    def heads(self, cluster: str, kinds: Iterable[Gpu]) -> dict[str, Waiting]:
        """The run of each experiment that queued first, reservations aside."""
        found: dict[str, Waiting] = {}
        for head in self._heads.get(cluster, ()):
            if head.run.gpu in kinds:
                first = found.setdefault(head.run.experiment, head.run)
                found[head.run.experiment] = min(first, head.run, key=by_time)
        return found

    def in_turn(self, cluster: str, passed_over: Callable[[], frozenset[Gpu]]) -> Iterator[Waiting]:
        """`passed_over`: the kinds that need not be read any more."""
        parts: dict[str, list[Iterator[Waiting]]] = {}
        for head in self._heads.get(cluster, ()):
            parts.setdefault(head.run.experiment, []).append(self._part(cluster, head.run, passed_over))
        lines = {name: heapq.merge(*each, key=by_time) for name, each in parts.items()}
        return in_turn(lines, self.reserved(cluster), self.served(cluster))

    def _part(
        self, cluster: str, head: Waiting, passed_over: Callable[[], frozenset[Gpu]]
    ) -> Iterator[Waiting]:
        reserved = {run.run_id for run in self.reserved(cluster)}
        found, size = [head], _PART
        while found:
            for run in found:
                if head.gpu in passed_over():
                    return
                if run.run_id not in reserved:
                    yield run
            found, size = self._after(cluster, found[-1], size), min(4 * size, _LONGEST_PART)

    def _after(self, cluster: str, run: Waiting, most: int) -> list[Waiting]:
        place = {"in_cluster": cluster, "kind": run.gpu.value, "of_experiment": run.experiment}
        rows = self._read.execute(_AFTER, {**place, "at": run.queued_at, "after": run.run_id, "most": most})
        return [found for row in rows if (found := self._readable(row))]

    def _readable(self, row: Any, *, reserved: bool = False) -> Waiting | None:
        try:
            return _waiting(row, reserved=reserved)
        except ValueError:
            self.unreadable.append(row.id)
            return None


def is_empty(read: Read) -> bool:
    """Whether no run waits for nodes of any cluster."""
    return not read.execute(_FIRST).rows


def wanted(read: Read, cluster: str, most: int) -> Wanted:
    """Of the first `most` runs of each kind, or more: whoever asks needs to know no more exactly."""
    row = read.execute(_WANTED, {"in_cluster": cluster, "most": most}).first()
    return Wanted(int(row.none + row.auto + row.unprepared), int(row.required))


_SIZES = Prepared(
    sa.select(runs.c.node_count)
    .where(sa.or_(QUEUED, UNPREPARED), runs.c.cluster == in_cluster)
    .order_by(runs.c.queued_at.is_(None), runs.c.queued_at, runs.c.id)
    .limit(_most)
)


def sizes(read: Read, cluster: str, most: int) -> list[int]:
    """How many nodes each of the first `most` runs wants, those included whose environment is still being made."""
    found = read.execute(_SIZES, {"in_cluster": cluster, "most": most}).scalars()
    return [size for size in found if isinstance(size, int) and size > 0]


def free_gpus(read: Read, cluster: Cluster) -> Gpus:
    """Of this machine, or of the nodes of a cluster that are others."""
    if cluster.kind is not ClusterKind.LOCAL:
        return own_gpus(compute.idle_elsewhere(read, cluster.name, cluster.max_nodes))
    listed = machine.known()
    return FreeGpus(listed.devices if listed else (), compute.held_gpus(read), known=listed is not None)
