"""What the page of clusters shows: values for its template."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from faena.compute import store as compute
from faena.compute.cores import fair_share, machine_cores
from faena.compute.machines import store as machine_store
from faena.compute.machines.model import Machine
from faena.compute.model import Cluster, ClusterKind, Node
from faena.compute.service import gpus_per_node
from faena.db import Read
from faena.endpoints import places
from faena.kernel import durations
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs import build_queue, node_times, outlook
from faena.runs import store as runs
from faena.runs.model import Run
from faena.runs.waiting_line.service import may_start
from faena.server.pages.clusters import node_timeline
from faena.server.pages.clusters.node_timeline import SPANS, Timeline
from faena.server.pages.rendering import run_address

_MOST_WAITING = 100
_MOST_NODES = 200


class NodeLine(Struct, frozen=True):
    id: str
    title: str
    """Its machine's name, where it is on another one."""
    state: str
    seconds: float
    """In this state."""
    run: str
    """The title of the run that has it, at `address`; both empty for none."""
    address: str
    gpus: str
    cores: str = ""
    """Of its machine, where it is on another one."""
    endpoints: tuple[str, ...] = ()
    """Names of those on that machine."""


class WaitingLine(Struct, frozen=True):
    place: str
    """In the queue, from 1 on; empty for one that is not in it yet."""
    address: str
    title: str
    experiment: str
    status: str
    seconds: float
    blocker: str
    may_start: str
    """When, as far as runs of the same experiments tell; empty: nobody can say."""


class ClusterPart(Struct, frozen=True):
    cluster: Cluster
    shape: str
    """How many nodes it may have, what each gets, and when one leaves."""
    joined: bool
    """Whether its nodes are machines that join it."""
    nodes: list[NodeLine]
    """The first of them."""
    count: int
    busy: int
    waiting: list[WaitingLine]
    more_waiting: int
    queued: int
    """How many there are in the queue."""
    timeline: Timeline
    any_gpus: bool
    any_endpoints: bool
    """Whether a shown node has any: without them there is no such column."""


def clusters(read: Read, now: Micros, span: str) -> list[ClusterPart]:
    """`span`: how long the timeline is, one of `SPANS`."""
    begin = now - SPANS[span] * 1_000_000
    stretches = node_times.since(read, begin, now)
    every_node = compute.list_nodes(read)
    machines = machine_store.list_machines(read)
    endpoints = places.by_machine(read)
    by_id = runs.get_many(read, [node.run_id for node in every_node if node.run_id])
    lengths = outlook.lengths(read)
    parts = []
    for cluster in compute.list_clusters(read):
        joined = [each for each in machines if each.cluster == cluster.name]
        names = {each.node: each.name for each in joined}
        nodes = [
            _node(node, names.get(node.id, ""), by_id, now)
            for node in every_node
            if node.cluster == cluster.name
        ]
        there = {node.id for node in nodes}
        nodes += [_away(each, now) for each in joined if each.node not in there]
        on = {each.name: endpoints[each.id] for each in joined if each.id in endpoints}
        nodes = [replace(each, endpoints=on[each.title]) if each.title in on else each for each in nodes]
        titles = {each.id: each.name for each in joined}
        own = [
            replace(each, node=titles.get(each.machine, each.node))
            for each in stretches
            if each.cluster == cluster.name
        ]
        shown = nodes[:_MOST_NODES]
        waiting, more = _waiting_for(read, cluster, lengths.get(cluster.name, 0), now)
        parts.append(
            ClusterPart(
                cluster=cluster,
                shape=_shape(cluster),
                joined=cluster.kind is ClusterKind.JOINED,
                nodes=shown,
                count=len(nodes),
                busy=sum(1 for node in nodes if node.run),
                waiting=waiting,
                more_waiting=more,
                queued=lengths.get(cluster.name, 0),
                timeline=node_timeline.build(own, [node.title for node in nodes], begin, now),
                any_gpus=any(node.gpus for node in shown),
                any_endpoints=any(node.endpoints for node in shown),
            )
        )
    return parts


def _waiting_for(read: Read, cluster: Cluster, queued: int, now: Micros) -> tuple[list[WaitingLine], int]:
    """The first in turn, then those whose environment is being made; and how many more there are."""
    first = outlook.first_in_turn(read, cluster, _MOST_WAITING)
    unprepared, count = build_queue.unprepared(read, cluster.name, _MOST_WAITING - len(first))
    places = {run_id: f"{place:,}" for place, (run_id, _) in enumerate(first, 1)}
    blockers = {run_id: stands.blocker or "" for run_id, stands in first}
    blockers |= dict.fromkeys(unprepared, "its environment is being made")
    found = runs.get_many(read, list(blockers))
    starting = may_start(read, cluster, now, len(first))
    lines = [
        _waiting(found[run_id], places.get(run_id, ""), blocker, now, starting.get(run_id))
        for run_id, blocker in blockers.items()
        if run_id in found
    ]
    return lines, max(0, queued + count - len(lines))


def _node(node: Node, machine: str, runs_by_id: Mapping[str, Run], now: Micros) -> NodeLine:
    run = runs_by_id.get(node.run_id or "")
    silent = run is not None and run.silent_since is not None and node.machine is not None
    return NodeLine(
        id=node.id,
        title=machine or node.id,
        state="silent" if silent else "draining" if node.draining else node.state.value,
        seconds=max(0, now - node.since) / 1e6,
        run=_title(run) if run is not None else node.run_id or "",
        address=run_address(node.run_id) if node.run_id else "",
        gpus=", ".join(node.gpus),
        cores=str(node.cores) if node.machine is not None else "",
    )


def _away(machine: Machine, now: Micros) -> NodeLine:
    seconds = max(0, now - machine.heard_at) / 1e6
    return NodeLine(
        id=machine.node or machine.id,
        title=machine.name,
        state="away",
        seconds=seconds,
        run="",
        address="",
        gpus="",
        cores=str(machine.told.cores),
    )


def _shape(cluster: Cluster) -> str:
    if cluster.kind is ClusterKind.JOINED:
        most = (
            ""
            if cluster.cores_per_node is None
            else f", {counted(cluster.cores_per_node, 'core')} each at most"
        )
        return f"up to {counted(cluster.max_nodes, 'machine')}, which join it{most}"
    idle = durations.shown(cluster.idle_seconds_before_scaledown)
    return f"{cluster.min_nodes} to {cluster.max_nodes} nodes of {_cores(cluster)} · idle ones leave after {idle}"


def _cores(cluster: Cluster) -> str:
    least = cluster.cores_per_node or fair_share(machine_cores(), cluster.max_nodes)
    cores = f"{least} or more cores" if cluster.cores_per_node is None else counted(least, "core")
    share = gpus_per_node(cluster)
    return f"{cores} and {counted(share, 'GPU')} at most" if share else cores


def _waiting(run: Run, place: str, blocker: str, now: Micros, starts: Micros | None) -> WaitingLine:
    return WaitingLine(
        place=place,
        address=run_address(run.id),
        title=_title(run),
        experiment=run.experiment,
        status=run.shown_status,
        seconds=max(0, now - run.created_at) / 1e6,
        blocker=blocker,
        may_start="" if starts is None else durations.until(starts - now),
    )


def _title(run: Run) -> str:
    return run.name or run.id
