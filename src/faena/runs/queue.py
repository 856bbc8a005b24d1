"""The queues of the clusters, read by light columns out of an index, and no further than is asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from faena.compute import gpus as machine
from faena.compute import store as compute
from faena.compute.gpu_shares import FreeGpus, Gpus, own_gpus
from faena.compute.model import Cluster, ClusterKind
from faena.compute.shares import Line, line_of
from faena.compute.turns import in_turn
from faena.compute.waiting import Gpu, Waiting, Wanted, by_time
from faena.db import Read
from faena.kernel.clock import Micros, SystemClock
from faena.runs import queue_store
from faena.runs.shares import shares_of

_PART, _LONGEST_PART = 8, 512
"""Runs of a line that are read at once: few at first, since few are placed."""


def _waiting(row: Any, *, reserved: bool = False) -> Waiting:
    """Raises ValueError for a row that holds what no run can have: a database may be told to keep anything."""
    if not isinstance(row.node_count, int) or not isinstance(row.queued_at, int) or row.node_count < 1:
        raise ValueError(f"node_count {row.node_count!r}, queued_at {row.queued_at!r}")
    return Waiting(row.id, row.experiment, row.node_count, row.queued_at, reserved, Gpu(row.gpu), row.user)


class _Head(Struct, frozen=True):
    """The first run of those of an experiment that are of one kind; `served`: when the experiment last had its turn."""

    run: Waiting
    served: int


class Queues:
    """The queues of all clusters as they are now, read as far as they are asked for."""

    def __init__(self, read: Read, now: Micros | None = None) -> None:
        """`now`: by which months of quotas are told; None: it is now."""
        self._read = read
        self.unreadable: list[str] = []
        """Runs whose rows hold what they never should."""
        self._reserved: dict[str, list[Waiting]] = {}
        for row in read.execute(queue_store.HOLD_RESERVATIONS):
            if run := self._readable(row, reserved=True):
                self._reserved.setdefault(row.cluster, []).append(run)
        self._heads: dict[str, list[_Head]] = {}
        for row in read.execute(queue_store.HEADS):
            if run := self._readable(row):
                self._heads.setdefault(row.cluster, []).append(_Head(run, row.served))
        people = {head.run.user for heads in self._heads.values() for head in heads}
        people |= {run.user for reserved in self._reserved.values() for run in reserved}
        self.shares = shares_of(read, people, SystemClock().now() if now is None else now)
        """Of those whose runs wait. Whoever hands out nodes counts them here."""
        self.has_several = len(people) > 1
        """Whether runs of several persons wait."""

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

    def heads(self, cluster: str, kinds: Iterable[Gpu]) -> dict[Line, Waiting]:
        """The run of each line that queued first, reservations aside."""
        found: dict[Line, Waiting] = {}
        for head in self._heads.get(cluster, ()):
            if head.run.gpu in kinds:
                line = line_of(head.run)
                found[line] = min(found.get(line, head.run), head.run, key=by_time)
        return found

    def in_turn(
        self, cluster: str, passed_over: Callable[[], frozenset[Gpu]], *, with_refused: bool = False
    ) -> Iterator[Waiting]:
        """`passed_over`: the kinds that need not be read any more. `with_refused`: also those that quotas refuse."""
        parts: dict[Line, list[Iterator[Waiting]]] = {}
        for head in self._heads.get(cluster, ()):
            parts.setdefault(line_of(head.run), []).append(self._part(cluster, head.run, passed_over))
        lines = {line: heapq.merge(*each, key=by_time) for line, each in parts.items()}
        reserved, served = self.reserved(cluster), self.served(cluster)
        return in_turn(lines, reserved, served, self.shares, with_refused=with_refused)

    def wanted(self, cluster: str, most: int) -> Wanted:
        """How many nodes the runs of the cluster want and may have.

        Of the first `most` runs of each kind, or more: whoever asks needs to know no more exactly.
        """
        if not self.shares.limits:
            return wanted(self._read, cluster, most)
        queued = [
            (line_of(head.run), self._nodes_of_line(cluster, head.run, most), head.run.gpu is Gpu.REQUIRE)
            for head in self._heads.get(cluster, ())
        ]
        unprepared = self._read.execute(queue_store.UNPREPARED_BY_LINE, {"in_cluster": cluster, "most": most})
        queued += [(Line(row.user, row.experiment), int(row.nodes), False) for row in unprepared]
        return self.shares.wanted(queued)

    def _nodes_of_line(self, cluster: str, head: Waiting, most: int) -> int:
        place = {"in_cluster": cluster, "kind": head.gpu.value, "most": most}
        of_line = {"of_user": head.user, "of_experiment": head.experiment}
        return int(self._read.execute(queue_store.NODES_OF_LINE, {**place, **of_line}).scalar())

    def sizes(self, cluster: str, most: int) -> list[int]:
        """How many nodes each of the first `most` runs wants, those included whose environment is still being made.

        Without those that quotas refuse as it is now.
        """
        found = self._read.execute(queue_store.SIZES, {"in_cluster": cluster, "most": most})
        return [row.node_count for row in found if self._counts(row)]

    def _counts(self, row: Any) -> bool:
        if not isinstance(row.node_count, int) or row.node_count < 1:
            return False
        left = self.shares.left(Line(row.user, row.experiment))
        return left is None or row.node_count <= left

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
        place = {"in_cluster": cluster, "kind": run.gpu.value}
        place |= {"of_user": run.user, "of_experiment": run.experiment}
        rows = self._read.execute(
            queue_store.AFTER, {**place, "at": run.queued_at, "after": run.run_id, "most": most}
        )
        return [found for row in rows if (found := self._readable(row))]

    def _readable(self, row: Any, *, reserved: bool = False) -> Waiting | None:
        try:
            return _waiting(row, reserved=reserved)
        except ValueError:
            self.unreadable.append(row.id)
            return None


def is_empty(read: Read) -> bool:
    """Whether no run waits for nodes of any cluster."""
    return not read.execute(queue_store.ANY).rows


def wanted(read: Read, cluster: str, most: int) -> Wanted:
    """Of the first `most` runs of each kind, or more: whoever asks needs to know no more exactly."""
    row = read.execute(queue_store.WANTED, {"in_cluster": cluster, "most": most}).first()
    return Wanted(int(row.none + row.auto + row.unprepared), int(row.required))


def free_gpus(read: Read, cluster: Cluster) -> Gpus:
    """Of this machine, or of the nodes of a cluster that are others."""
    if cluster.kind is not ClusterKind.LOCAL:
        return own_gpus(compute.idle_elsewhere(read, cluster.name, cluster.max_nodes))
    listed = machine.known()
    return FreeGpus(listed.devices if listed else (), compute.held_gpus(read), known=listed is not None)
