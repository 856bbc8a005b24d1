"""Where endpoints may be: on the server's host, or on machines of a joined cluster; and what may not go meanwhile."""

from __future__ import annotations

from faena.compute import service as clusters
from faena.compute import store as compute
from faena.compute.machines import service as machines
from faena.compute.machines import store as machine_store
from faena.compute.machines.model import Machine
from faena.compute.model import Cluster, ClusterKind
from faena.db import Read, Write
from faena.endpoints import store
from faena.endpoints.model import Endpoint
from faena.endpoints.schemas import Settings
from faena.kernel.errors import ComputeTargetException, Conflict, WebserviceException


def check(read: Read, there: Endpoint | None, settings: Settings) -> None:
    """Raises ComputeTargetException, NotFound for a machine that is none, WebserviceException."""
    if not settings.cluster:
        if settings.node:
            raise WebserviceException(
                f"node is {settings.node[:80]!r}, and no cluster is named. Give deployment_target, or --cluster, too."
            )
    else:
        cluster = clusters.get(read, settings.cluster)
        if cluster.kind is not ClusterKind.JOINED:
            raise ComputeTargetException(_why_not_on(cluster))
        if settings.node:
            machines.get(read, settings.node, cluster.name)
    if there is not None and bool(there.settings.cluster) != bool(settings.cluster):
        here = f"a machine of {there.settings.cluster!r}" if there.settings.cluster else "the server's host"
        raise Conflict(
            f"{there.name} is on {here}. It moves between machines of joined clusters only: deploy it under another "
            "name, or delete it first."
        )


def _why_not_on(cluster: Cluster) -> str:
    if cluster.kind is ClusterKind.RAY:
        return (
            f"{cluster.name!r} is a Ray cluster, whose nodes come when runs wait and go when they idle: an endpoint "
            "stays. Deploy it to a joined cluster, or without a target to the server's host."
        )
    return (
        f"The nodes of {cluster.name!r} are processes on the server's own host. Without a target an endpoint is there; "
        "on other machines it is by a cluster that they join: `faena cluster create NAME --joined`."
    )


def by_machine(read: Read) -> dict[str, tuple[str, ...]]:
    """Names of endpoints, by the id of the machine that each is on."""
    found: dict[str, tuple[str, ...]] = {}
    for each in store.list_all(read):
        if each.machine and each.deleted_at is None:
            found[each.machine] = (*found.get(each.machine, ()), each.name)
    return found


@compute.on_delete.add
def _refuse_in_use(write: Write, cluster: str) -> None:
    there = [each.name for each in store.list_all(write) if each.settings.cluster == cluster]
    if there:
        raise ComputeTargetException(
            f"Compute target {cluster!r} has the endpoint {', '.join(there[:10])}. Delete it first, or deploy it to "
            "another cluster."
        )


@machine_store.on_remove.add
def _refuse_a_machine_in_use(write: Write, machine: Machine) -> None:
    there = [each.name for each in store.list_all(write) if each.machine == machine.id]
    if there:
        raise Conflict(
            f"{machine.name!r} has the endpoint {', '.join(there[:10])}. Have it move (`faena node drain "
            f"{machine.name}`), or delete it first."
        )
