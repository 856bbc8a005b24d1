"""Use cases of Ray clusters: attach one, which gangs are wanted of it, what its bridge says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from faena.compute import service as clusters
from faena.compute import store as compute
from faena.compute.backends.ray.schemas import AttachRequest, Gang, GangNode, NodeReport, Offer, Wanted
from faena.compute.backends.ray.settings import RaySettings
from faena.compute.gangs import CHANGED, Place
from faena.compute.machines import store as machines
from faena.compute.machines import tokens
from faena.compute.model import Cluster, ClusterKind, Node
from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import ComputeTargetException

_TOKEN_DAYS = 365
_DAY = 86_400_000_000


def attach(write: Write, name: str, asked: AttachRequest, settings: RaySettings, now: Micros) -> None:
    """Make the cluster, or change it. Raises as `check_name`."""
    existing = check_name(write, name)
    if existing is not None and settings.made_by is None:
        before = RaySettings.of(existing)
        if before.address == settings.address:
            settings = replace(settings, made_by=before.made_by)
    made = Cluster(
        name,
        asked.min_nodes,
        asked.max_nodes,
        asked.idle_seconds_before_scaledown,
        settings.cores,
        now if existing is None else existing.created_at,
        now,
        ClusterKind.RAY,
        settings.text,
    )
    compute.put_cluster(write, made)
    write.notify("engine")
    write.notify(CHANGED)


def check_name(read: Read, name: str) -> Cluster | None:
    """The cluster of that name. Raises ComputeTargetException where it is of another kind, or no cluster's."""
    ids.check_cluster_name(name)
    existing = compute.cluster(read, name)
    if existing is not None and existing.kind is not ClusterKind.RAY:
        raise ComputeTargetException(
            f"Compute target {name!r} already exists and is {existing.kind}, not {ClusterKind.RAY}. Choose another "
            "name."
        )
    return existing


def of_kind(read: Read) -> list[Cluster]:
    return [cluster for cluster in compute.list_clusters(read) if cluster.kind is ClusterKind.RAY]


def wanted(read: Read, name: str, runner: str) -> Wanted:
    """`runner`: its SHA-256. Raises ComputeTargetException."""
    cluster = clusters.get(read, name)
    settings = RaySettings.of(cluster)
    names = {machine.id: machine.name for machine in machines.list_machines(read, name)}
    gangs: dict[str, list[tuple[Place, Node]]] = {}
    for node in compute.list_nodes(read, name):
        if place := Place.of(node):
            gangs.setdefault(place.gang, []).append((place, node))
    found = tuple(
        Gang(
            gang,
            places[0][0].size,
            tuple(
                GangNode(place.rank, names.get(node.machine or "", ""), joined=not node.is_to_come)
                for place, node in sorted(places, key=lambda each: each[0].rank)
            ),
        )
        for gang, places in sorted(gangs.items())
    )
    told = found, settings.bundle, settings.cores, runner
    mark = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
    return Wanted(found, mark, settings.bundle, settings.cores, runner)


def keep_offer(write: Write, name: str, offer: Offer) -> None:
    """What the nodes of its Ray cluster can have, as its bridge says. Silent where the cluster is gone by now."""
    cluster = compute.cluster(write, name)
    if cluster is None or cluster.kind is not ClusterKind.RAY:
        return
    settings = RaySettings.of(cluster)
    compute.put_cluster(write, replace(cluster, settings=replace(settings, offer=offer).text))


def new_token(write: Write, cluster: str, fingerprint: str, now: Micros) -> str:
    """By which a bridge asks, and the runners that it starts join."""
    token = tokens.new_token(fingerprint)
    machines.add_join_token(write, tokens.digest(token), cluster, now + _TOKEN_DAYS * _DAY, now)
    return token


class Ends(Struct, frozen=True):
    """What is to be made of what a bridge says of runners."""

    left: tuple[str, ...]
    """Nodes whose runner is known to have ended."""
    failed: dict[str, str]
    """Nodes that never joined, and why."""
    starts: bool = False
    """Whether a runner was started that has not joined yet."""


def ends(nodes: Sequence[Node], reports: Sequence[NodeReport]) -> Ends:
    """A node that joined and is gone for Ray keeps its lease: its script may live where Ray cannot see it."""
    places = {(place.gang, place.rank): node for node in nodes if (place := Place.of(node))}
    left: list[str] = []
    failed: dict[str, str] = {}
    starts = False
    for report in reports:
        node = places.get((report.gang, report.rank))
        if node is None:
            continue
        if report.state not in ("ended", "gone"):
            starts = starts or node.is_to_come
            continue
        if node.is_to_come:
            failed[node.id] = report.said or "it left before it joined"
        elif report.state == "ended":
            left.append(node.id)
    return Ends(tuple(left), failed, starts)


def see_off(write: Write, nodes: Sequence[str], now: Micros) -> None:
    """Nodes whose runner has ended are none any more; what it had open is somebody else's to see to."""
    for node_id in nodes:
        if (node := compute.node(write, node_id)) is not None:
            compute.remove_node(write, node, now)
    write.notify("engine")
    write.notify(CHANGED)


def withdraw(write: Write, nodes: Sequence[str], now: Micros) -> None:
    """Others are asked for in the place of these, which never joined."""
    for node_id in nodes:
        node = compute.node(write, node_id)
        if node is not None and node.is_to_come:
            compute.remove_node(write, node, now)
    write.notify("engine")
    write.notify(CHANGED)
