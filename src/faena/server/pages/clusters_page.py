"""What the page of clusters shows: values for its template."""

from __future__ import annotations

from msgspec import Struct

from faena.compute import store as compute
from faena.compute.cores import fair_share, machine_cores
from faena.compute.model import Cluster
from faena.compute.service import gpus_per_node
from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs import build_queue, outlook
from faena.runs import store as runs
from faena.runs.model import Run
from faena.server.pages.rendering import run_address

_MOST_WAITING = 100


class NodeLine(Struct, frozen=True):
    id: str
    state: str
    seconds: float
    """In this state."""
    run: str
    """The title of the run that has it, at `address`; both empty for none."""
    address: str
    gpus: str


class WaitingLine(Struct, frozen=True):
    address: str
    title: str
    experiment: str
    status: str
    seconds: float
    blocker: str


class ClusterPart(Struct, frozen=True):
    cluster: Cluster
    cores: str
    """That a node gets, with their unit, and the GPUs that it may get."""
    nodes: list[NodeLine]
    busy: int
    waiting: list[WaitingLine]
    more_waiting: int


def clusters(read: Read, now: Micros) -> list[ClusterPart]:
    every_node = compute.list_nodes(read)
    by_id = runs.get_many(read, [node.run_id for node in every_node if node.run_id])
    lengths = outlook.lengths(read)
    parts = []
    for cluster in compute.list_clusters(read):
        nodes = [
            NodeLine(
                id=node.id,
                state=node.state.value,
                seconds=max(0, now - node.since) / 1e6,
                run=_title(by_id[node.run_id]) if node.run_id in by_id else node.run_id or "",
                address=run_address(node.run_id) if node.run_id else "",
                gpus=", ".join(node.gpus),
            )
            for node in every_node
            if node.cluster == cluster.name
        ]
        waiting, more = _waiting_for(read, cluster, lengths.get(cluster.name, 0), now)
        parts.append(
            ClusterPart(
                cluster=cluster,
                cores=_cores(cluster),
                nodes=nodes,
                busy=sum(1 for node in nodes if node.run),
                waiting=waiting,
                more_waiting=more,
            )
        )
    return parts


def _waiting_for(read: Read, cluster: Cluster, queued: int, now: Micros) -> tuple[list[WaitingLine], int]:
    """The first in turn, then those whose environment is being made; and how many more there are."""
    first = outlook.first_in_turn(read, cluster, _MOST_WAITING)
    unprepared, count = build_queue.unprepared(read, cluster.name, _MOST_WAITING - len(first))
    blockers = {run_id: stands.blocker or "" for run_id, stands in first}
    blockers |= dict.fromkeys(unprepared, "its environment is being made")
    found = runs.get_many(read, list(blockers))
    lines = [_waiting(found[run_id], blocker, now) for run_id, blocker in blockers.items() if run_id in found]
    return lines, max(0, queued + count - len(lines))


def _cores(cluster: Cluster) -> str:
    least = cluster.cores_per_node or fair_share(machine_cores(), cluster.max_nodes)
    cores = f"{least} or more cores" if cluster.cores_per_node is None else counted(least, "core")
    share = gpus_per_node(cluster)
    return f"{cores} and {counted(share, 'GPU')} at most" if share else cores


def _waiting(run: Run, blocker: str, now: Micros) -> WaitingLine:
    return WaitingLine(
        address=run_address(run.id),
        title=_title(run),
        experiment=run.experiment,
        status=run.shown_status,
        seconds=max(0, now - run.created_at) / 1e6,
        blocker=blocker,
    )


def _title(run: Run) -> str:
    return run.name or run.id
