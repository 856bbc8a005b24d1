"""Which GPUs the nodes of a run are given: of the machine's for those here, their own elsewhere. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from faena.compute.model import Node, NodeState
from faena.compute.waiting import Given, Gpu, Waiting


class Gpus(Protocol):
    """The GPUs of which the nodes of a cluster get theirs, as they are handed out within one look at the queues."""

    @property
    def known(self) -> bool:
        """Whether it is known which ones there are."""

    @property
    def left(self) -> int:
        """How many are free."""

    @property
    def passed_over(self) -> frozenset[Gpu]:
        """Runs of which kinds need not be looked at any more: what they want is spoken for, or not known."""

    def suffice(self, run: Waiting) -> bool:
        """Whether the run may have nodes now. A later one takes none before one that must have them."""

    def give(self, run: Waiting, free: Collection[str], max_nodes: int) -> tuple[Given, ...]:
        """Nodes for the run out of those that are `free`, as many as it wants, with what they have of GPUs."""

    def withhold(self, run: Waiting, max_nodes: int) -> None:
        """Nobody else gets those that the run must have and cannot have yet, since it lacks nodes."""

    def lacking(self, run: Waiting) -> str:
        """What the run waits for; empty: nothing."""


class OwnGpus:
    """Each node has its own, by `given`: those of a cluster's nodes that are free. Fulfils `Gpus`."""

    known = True

    def __init__(self, given: Mapping[str, tuple[str, ...]]) -> None:
        self._given = given
        self._is_short = False
        self._free = sum(map(bool, given.values()))

    @property
    def left(self) -> int:
        return self._free

    @property
    def passed_over(self) -> frozenset[Gpu]:
        return frozenset({Gpu.REQUIRE} if self._is_short else ())

    def suffice(self, run: Waiting) -> bool:
        if run.gpu is Gpu.REQUIRE and self._free < run.node_count:
            self._is_short = True
        return run.gpu not in self.passed_over

    def give(self, run: Waiting, free: Collection[str], max_nodes: int) -> tuple[Given, ...]:
        if not self._free:
            return tuple(map(Given, islice(free, run.node_count)))
        wants = run.gpu is Gpu.REQUIRE or (run.gpu is Gpu.AUTO and not self._is_short)
        first = sorted(free, key=lambda node: bool(self._given.get(node)) is not wants)[: run.node_count]
        self._free -= sum(bool(self._given.get(node)) for node in first)
        return tuple(Given(node, self._given.get(node, ()) if wants else ()) for node in first)

    def withhold(self, run: Waiting, max_nodes: int) -> None:
        self._free = max(0, self._free - run.node_count)

    def lacking(self, run: Waiting) -> str:
        if run.gpu is not Gpu.REQUIRE or self._free >= run.node_count:
            return ""
        return f"{self._free} of {run.node_count} nodes with a GPU are free"


def own_gpus(nodes: Iterable[Node]) -> OwnGpus:
    """Those of the nodes that are free."""
    return OwnGpus({node.id: node.own_gpus for node in nodes if node.state is NodeState.IDLE})


class FreeGpus:
    """The GPUs of a machine that no node holds, as they are handed out within one look at the queues.

    `known` False: which ones there are is still being asked, and no run that wants one is placed. Fulfils `Gpus`.
    """

    def __init__(self, devices: Sequence[str], held: Collection[str], *, known: bool = True) -> None:
        self.total = len(devices)
        self.known = known
        self._free = [device for device in devices if device not in held]
        self._is_short = False

    @property
    def left(self) -> int:
        """How many are free."""
        return len(self._free)

    @property
    def passed_over(self) -> frozenset[Gpu]:
        """Runs of which kinds need not be looked at any more: what they want is spoken for, or not known."""
        if not self.known:
            return frozenset({Gpu.AUTO, Gpu.REQUIRE})
        return frozenset({Gpu.REQUIRE} if self._is_short else ())

    def suffice(self, run: Waiting) -> bool:
        """Whether the run may have nodes now. A later one takes none before one that must have them."""
        if run.gpu is Gpu.REQUIRE and self.known and self.left < run.node_count:
            self._is_short = True
        return run.gpu not in self.passed_over

    def take(self, run: Waiting, max_nodes: int) -> list[tuple[str, ...]]:
        """For each node of the run an equal part of the machine's, of those that are free."""
        if run.gpu is Gpu.NONE or (run.gpu is Gpu.AUTO and self._is_short):
            return [()] * run.node_count
        most = share_of(self.total, max_nodes)
        given = []
        for others in reversed(range(run.node_count)):
            part = max(0, min(most, self.left - others))
            given.append(tuple(self._free[:part]))
            del self._free[:part]
        return given

    def give(self, run: Waiting, free: Collection[str], max_nodes: int) -> tuple[Given, ...]:
        return tuple(map(Given, free, self.take(run, max_nodes)))

    def withhold(self, run: Waiting, max_nodes: int) -> None:
        self.take(run, max_nodes)

    def lacking(self, run: Waiting) -> str:
        if run.gpu is not Gpu.NONE and not self.known:
            return "which GPUs this machine has is being asked (nvidia-smi)"
        if run.gpu is not Gpu.REQUIRE or self.left >= run.node_count:
            return ""
        if not self.total:
            return "this machine has no GPU that nvidia-smi names"
        busy = self.total - self.left
        return (
            f"{busy} of {self.total} GPU{'s' if self.total > 1 else ''} of this machine "
            f"{'are' if busy > 1 else 'is'} in use ({self.left} of {run.node_count} free)"
        )


def share_of(gpus: int, max_nodes: int) -> int:
    """How many GPUs a node of a cluster gets at most: an equal part of the machine's, one at least."""
    return max(1, gpus // max(1, max_nodes)) if gpus else 0
