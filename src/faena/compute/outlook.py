"""Where a run that waits for nodes stands, in words. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faena.compute.gpu_shares import Gpus
from faena.compute.model import Cluster, ClusterKind, NodeState
from faena.compute.shares import Refusal
from faena.compute.waiting import Waiting


class Outlook(Struct, frozen=True):
    """Where a waiting run stands: what it waits for. `ahead`: runs that come before it."""

    ahead: int
    blocker: str | None
    """None: it gets its nodes at the next look."""


def outlook(
    cluster: Cluster,
    states: Mapping[NodeState, int],
    run: Waiting,
    ahead: int,
    gpus: Gpus,
    refusal: Refusal | None = None,
) -> Outlook:
    """`states`: how many nodes of the cluster there are in each. `refusal`: by a quota."""
    if refusal is not None:  # however many come before it
        return Outlook(ahead, refusal.why)
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
