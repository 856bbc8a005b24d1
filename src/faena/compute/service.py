"""Use cases of clusters: create, change, show, delete."""

from __future__ import annotations

import platform

from msgspec.structs import replace

from faena.compute import gpus, store
from faena.compute.cores import fair_share, machine_cores
from faena.compute.gpu_shares import share_of
from faena.compute.model import Cluster, ClusterKind, NodeState
from faena.compute.schemas import ClusterRequest, ClusterStatus, ClusterView, NodeCounts, ScaleSettings
from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros, iso
from faena.kernel.errors import ComputeTargetException
from faena.kernel.plural import counted


def create(write: Write, name: str, request: ClusterRequest, now: Micros) -> ClusterView:
    """Create a cluster; the same request again changes nothing.

    Raises ComputeTargetException when the name is taken by a cluster of another shape.
    """
    ids.check_cluster_name(name)
    if request.kind is ClusterKind.RAY:
        raise ComputeTargetException(
            f"{name!r} needs a Ray cluster: `faena cluster attach-ray {name} ADDRESS`, or RayCluster.attach."
        )
    _check_joined(name, request)
    wanted = _cluster(name, request, created_at=now, now=now)
    existing = store.cluster(write, name)
    if existing is None:
        store.put_cluster(write, wanted)
        write.notify("engine")
        return view(write, wanted)
    if request.cores_per_node is None:
        wanted = replace(wanted, cores_per_node=existing.cores_per_node)
    if wanted.kind is not existing.kind:
        raise ComputeTargetException(
            f"Compute target {name!r} already exists and is {existing.kind}, not {wanted.kind}. Choose another name."
        )
    same = {name: getattr(existing, name) for name in ("created_at", "modified_at", "settings", "waits")}
    if replace(wanted, **same) != existing:
        raise ComputeTargetException(
            f"Compute target {name!r} already exists with max_nodes={existing.max_nodes}, "
            f"min_nodes={existing.min_nodes}, idle_seconds_before_scaledown="
            f"{existing.idle_seconds_before_scaledown:g}. Change it with update(), or choose another name."
        )
    return view(write, existing)


def update(write: Write, name: str, request: ClusterRequest, now: Micros) -> ClusterView:
    existing = get(write, name)
    request = replace(request, kind=existing.kind)
    if existing.kind is ClusterKind.JOINED and request.min_nodes == existing.min_nodes:
        request = replace(request, min_nodes=0)  # one that an earlier Faena took, and nobody asks for now
    _check_joined(name, request)
    changed = _cluster(name, request, created_at=existing.created_at, now=now)
    changed = replace(changed, settings=existing.settings, waits=existing.waits)
    store.put_cluster(write, changed)
    write.notify("engine")
    return view(write, changed)


def _check_joined(name: str, request: ClusterRequest) -> None:
    if request.kind is ClusterKind.JOINED and request.min_nodes > 0:
        raise ComputeTargetException(
            f"min_nodes of {name!r} is {request.min_nodes}, but its nodes are machines that join it: nobody starts one."
            " Set it to 0."
        )


def get(read: Read, name: str) -> Cluster:
    """Raises ComputeTargetException when there is none of that name."""
    found = store.cluster(read, name)
    if found is None:
        raise ComputeTargetException(
            f"ComputeTargetNotFound: Compute Target with name {name} not found in provided workspace. "
            f"`faena clusters` lists those that there are; `faena cluster create {name}` makes it."
        )
    return found


def delete(write: Write, name: str) -> None:
    """Raises ComputeTargetException while a run has one of its nodes."""
    cluster = get(write, name)
    nodes = store.list_nodes(write, name)
    busy = [node.run_id for node in nodes if node.state is NodeState.RUNNING]
    if busy:
        raise ComputeTargetException(
            f"Compute target {name!r} is used by {', '.join(map(str, busy))}. Cancel or await them first."
        )
    if nodes and cluster.kind is ClusterKind.JOINED:
        raise ComputeTargetException(
            f"Compute target {name!r} still has {counted(len(nodes), 'node')}. Have them leave first: `faena nodes` "
            "names them, `faena node drain NAME` has one leave."
        )
    if nodes:
        raise ComputeTargetException(
            f"Compute target {name!r} still has {counted(len(nodes), 'node')}. "
            "Set min_nodes=0 and wait until none is left."
        )
    store.delete_cluster(write, name)


def view(read: Read, cluster: Cluster) -> ClusterView:
    shares = cluster.cores_per_node is None
    cores = cluster.cores_per_node or fair_share(machine_cores(), cluster.max_nodes)
    status = _status(read, cluster)
    if cluster.kind is not ClusterKind.LOCAL:  # each node has those of its machine
        cores = cluster.cores_per_node or store.fewest_cores(read, cluster.name)
        return ClusterView(
            cluster.name, cores, status, shares, None, cluster.kind, cluster.settings, cluster.waits
        )
    return ClusterView(cluster.name, cores, status, shares, gpus_per_node(cluster), cluster.kind)


def gpus_per_node(cluster: Cluster) -> int | None:
    """What a node gets at most; None while it is not known which GPUs the machine has."""
    listed = gpus.known()
    return None if listed is None else share_of(len(listed.devices), cluster.max_nodes)


def _cluster(name: str, request: ClusterRequest, *, created_at: Micros, now: Micros) -> Cluster:
    return Cluster(
        name=name,
        min_nodes=request.min_nodes,
        max_nodes=request.max_nodes,
        idle_seconds_before_scaledown=request.idle_seconds_before_scaledown,
        cores_per_node=request.cores_per_node,
        created_at=created_at,
        modified_at=now,
        kind=request.kind,
    )


def _status(read: Read, cluster: Cluster) -> ClusterStatus:
    states = store.node_states(read, cluster.name)
    number = sum(states.values())
    preparing, leaving = states.get(NodeState.PREPARING, 0), states.get(NodeState.LEAVING, 0)
    resized = store.resized_at(read, cluster.name)
    return ClusterStatus(
        current_node_count=number - preparing,
        target_node_count=max(number - leaving, cluster.min_nodes),
        node_state_counts=NodeCounts(
            preparing_node_count=preparing,
            running_node_count=states.get(NodeState.RUNNING, 0),
            idle_node_count=states.get(NodeState.IDLE, 0),
            leaving_node_count=leaving,
        ),
        allocation_state="Resizing" if preparing or leaving else "Steady",
        allocation_state_transition_time=iso(resized),
        errors=None,
        creation_time=iso(cluster.created_at),
        modified_time=iso(cluster.modified_at),
        provisioning_state="Succeeded",
        provisioning_state_transition_time=iso(cluster.created_at),
        scale_settings=ScaleSettings(
            cluster.min_nodes, cluster.max_nodes, f"PT{cluster.idle_seconds_before_scaledown:g}S"
        ),
        vm_priority="Dedicated",
        vm_size=f"{platform.machine()}-{cluster.cores_per_node or machine_cores()}-core",
    )
