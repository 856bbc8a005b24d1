"""The rules by which runs get nodes and GPUs, and clusters grow and shrink. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, count, islice
from typing import Protocol

from msgspec import Struct

from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.kernel.clock import Micros


class Gpu(StrEnum):
    """Whether a run wants GPUs."""

    NONE = "none"
    AUTO = "auto"
    """It gets what is free, and its GPU calls may be answered on the CPU."""
    REQUIRE = "require"
    """It waits until there is one for each of its nodes."""


class Waiting(Struct, frozen=True):
    """A run whose environment is ready and that wants nodes."""

    run_id: str
    experiment: str
    node_count: int
    queued_at: Micros
    reserved: bool = False
    gpu: Gpu = Gpu.NONE


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


class Given(Struct, frozen=True):
    """A node that a run gets, with the GPUs that are its own there."""

    node: str
    gpus: tuple[str, ...] = ()


class Wanted(Struct, frozen=True):
    """How many nodes the runs of a cluster want, those included whose environment is still being made."""

    nodes: int
    with_gpu: int = 0
    """For runs that must have a GPU; not among `nodes`."""


class Plan(Struct, frozen=True):
    """What to do next for one cluster."""

    start: int = 0
    place: tuple[tuple[Waiting, tuple[Given, ...]], ...] = ()
    reserve: tuple[str, ...] = ()
    """Runs that come first from now on: one that waits for nodes, and one that waits for GPUs."""
    leave: tuple[str, ...] = ()
    surplus: int = 0
    """How many of the nodes that were asked for and have not come yet nobody wants any more."""


def in_turn(
    lines: Mapping[str, Iterator[Waiting]], reserved: Sequence[Waiting], served: Mapping[str, int]
) -> Iterator[Waiting]:
    """Runs in the order in which they get nodes; no more of a line is read than is asked for.

    `lines`: by experiment, without the `reserved` ones, the run that queued first at its head. A run that holds a
    reservation comes first, and that is its experiment's turn. Otherwise experiments take turns, the one served longest
    ago first, and within an experiment the run that queued first.
    """
    first: dict[str, list[Waiting]] = {}
    for run in sorted(reserved, key=by_time):
        first.setdefault(run.experiment, []).append(run)
    heads = {name: line[0] for name, line in first.items()}
    left = dict(lines)
    for name in lines.keys() - heads.keys():
        if (head := next(lines[name], None)) is None:
            del left[name]
        else:
            heads[name] = head
            left[name] = chain([head], lines[name])
    turns = sorted(heads, key=lambda name: turn(served.get(name, 0), heads[name]))
    for depth in range(max(map(len, first.values()), default=0)):
        yield from (first[name][depth] for name in turns if depth < len(first.get(name, ())))
    for depth in count():
        if not left:
            return
        for name in turns:
            if name in left and depth >= len(first.get(name, ())):
                if (following := next(left[name], None)) is None:
                    del left[name]
                else:
                    yield following


def turn(served: int, head: Waiting) -> tuple[int, Micros, str]:
    """What experiments are sorted by: when it last had its turn, then who waits longest."""
    return (served, *by_time(head))


def by_time(run: Waiting) -> tuple[Micros, str]:
    """What runs of one experiment are sorted by."""
    return run.queued_at, run.run_id


def plan(
    cluster: Cluster,
    nodes: Sequence[Node],
    line: Iterable[Waiting],
    wanted: Wanted,
    idle_seconds: Mapping[str, float],
    gpus: Gpus,
) -> Plan:
    """Place what fits, reserve for what does not, grow for what waits, shrink what idles too long.

    `line`: the runs in turn, of which no more is read than can be placed. A run that lacks nodes has all behind it
    wait; one that lacks GPUs is passed over, since no other may take those before it.
    `idle_seconds` maps the id of an idle node to how long it has been idle.
    """
    idle = (node.id for node in nodes if node.state is NodeState.IDLE and not node.draining)
    free: dict[str, None] = dict.fromkeys(idle)
    place: list[tuple[Waiting, tuple[Given, ...]]] = []
    reserve: list[str] = []
    withheld = 0
    for run in line:
        if not gpus.suffice(run):
            if gpus.known and not reserve:
                reserve.append(run.run_id)
            continue
        if run.node_count > len(free):
            reserve.append(run.run_id)
            if run.gpu is Gpu.REQUIRE:  # no other cluster gets them meanwhile
                gpus.withhold(run, cluster.max_nodes)
                withheld = run.node_count
            break
        given = gpus.give(run, free, cluster.max_nodes)
        place.append((run, given))
        for each in given:
            del free[each.node]

    if not cluster.kind.grows:  # people start its nodes and end them
        return Plan(place=tuple(place), reserve=tuple(reserve))
    taken = {kind: sum(run.node_count for run, _ in place if run.gpu is kind) for kind in Gpu}
    limited = gpus.known and cluster.kind is ClusterKind.LOCAL  # elsewhere a node brings its own
    useful = gpus.left + withheld if limited else wanted.with_gpu
    without = max(0, wanted.nodes - taken[Gpu.NONE] - taken[Gpu.AUTO])
    still = without + min(useful, max(0, wanted.with_gpu - taken[Gpu.REQUIRE]))
    usable = [node for node in nodes if node.state is not NodeState.LEAVING]
    coming = sum(node.state is NodeState.PREPARING for node in usable)
    missing = max(still - len(free) - coming, cluster.min_nodes - len(usable))
    start = max(0, min(missing, cluster.max_nodes - len(nodes)))

    spare = max(0, min(len(free) - still, len(usable) - cluster.min_nodes))
    spare_nodes = sorted(free, key=lambda node: -idle_seconds.get(node, 0.0))[:spare]
    overdue = [
        node for node in spare_nodes if idle_seconds.get(node, 0.0) >= cluster.idle_seconds_before_scaledown
    ]
    return Plan(start, tuple(place), tuple(reserve), tuple(overdue), max(0, min(coming, -missing)))


def most_wanted(cluster: Cluster) -> int:
    """How many runs it takes at most to know what `plan` makes of those that want nodes."""
    return 2 * cluster.max_nodes


class Outlook(Struct, frozen=True):
    """Where a waiting run stands: what it waits for. `ahead`: runs that come before it."""

    ahead: int
    blocker: str | None
    """None: it gets its nodes at the next look."""


def outlook(
    cluster: Cluster, states: Mapping[NodeState, int], run: Waiting, ahead: int, gpus: Gpus
) -> Outlook:
    """`states`: how many nodes of the cluster there are in each."""
    lacks = (
        "" if cluster.kind is ClusterKind.RAY else gpus.lacking(run)
    )  # a node that Ray starts brings its own
    wants = [_wants_turn(cluster, ahead), lacks]
    if not any(wants):
        wants = [_wants_nodes(cluster, states, run)]
    return Outlook(ahead, "; ".join(filter(None, wants)) or None)


def _wants_turn(cluster: Cluster, ahead: int) -> str:
    return f"{ahead} run{'s' if ahead > 1 else ''} ahead of it on {cluster.name!r}" if ahead else ""


def _wants_nodes(cluster: Cluster, states: Mapping[NodeState, int], run: Waiting) -> str:
    free, there = states.get(NodeState.IDLE, 0), sum(states.values())
    if free >= run.node_count:
        return ""
    elastic = cluster.kind.grows
    if states.get(NodeState.PREPARING, 0) or (elastic and there < cluster.max_nodes):
        starting = f"nodes of {cluster.name!r} are starting ({free} of {run.node_count} free)"
        return f"{starting}: {cluster.waits}" if cluster.waits else starting
    busy = states.get(NodeState.RUNNING, 0)
    if not elastic and there < run.node_count:
        has = f"{there} node{'s' if there != 1 else ''}" if there else "no node"
        return f"{cluster.name!r} has {has} (`faena node join` on another machine gives it one)"
    most = cluster.max_nodes if elastic else there
    return f"{busy} of {most} nodes of {cluster.name!r} are busy ({free} of {run.node_count} free)"
