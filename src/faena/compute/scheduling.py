"""The rules by which runs get nodes, and clusters grow and shrink. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from faena.compute.gpu_shares import Gpus
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.compute.shares import Shares
from faena.compute.waiting import Given, Gpu, Waiting, Wanted


class Plan(Struct, frozen=True):
    """What to do next for one cluster."""

    start: int = 0
    place: tuple[tuple[Waiting, tuple[Given, ...]], ...] = ()
    reserve: tuple[str, ...] = ()
    """Runs that come first from now on: one that waits for nodes, and one that waits for GPUs."""
    leave: tuple[str, ...] = ()
    surplus: int = 0
    """How many of the nodes that were asked for and have not come yet nobody wants any more."""


def plan(
    cluster: Cluster,
    nodes: Sequence[Node],
    line: Iterable[Waiting],
    wanted: Wanted,
    idle_seconds: Mapping[str, float],
    gpus: Gpus,
    shares: Shares,
) -> Plan:
    """Place what fits, reserve for what does not, grow for what waits, shrink what idles too long.

    `line`: the runs in turn, of which no more is read than can be placed. A run that lacks nodes has all behind it
    wait; one that lacks GPUs is passed over, since no other may take those before it.
    `shares`: those that `line` goes by; what is placed counts in them.
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
        shares.take(run)
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
