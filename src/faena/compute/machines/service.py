"""Use cases of machines: let one join, drain and remove it, show all."""

from __future__ import annotations

from collections.abc import Callable, Container

from msgspec import Struct
from msgspec.structs import replace

from faena.compute import gangs
from faena.compute import service as clusters
from faena.compute import store as compute
from faena.compute.machines import store, tokens
from faena.compute.machines.model import Machine, Told, told_by
from faena.compute.machines.schemas import JoinRequest, JoinTokenRequest, JoinTokenView
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.db import Read, Write
from faena.kernel import ids, settings
from faena.kernel.clock import Micros
from faena.kernel.errors import (
    AuthenticationException,
    ComputeTargetException,
    Conflict,
    NotFound,
    ProtocolMismatch,
    UserErrorException,
)
from faena.kernel.hidden import hiding
from faena.kernel.nearest import nearest

ENGINE = "engine/soon"
_DAY = 86_400e6
_LONGEST_DAYS = 365.0


class Welcome(Struct, frozen=True):
    """What joining came to. `before`: the runner whose place this one takes; None: there was none."""

    machine: Machine
    node: Node
    token: str
    before: str | None

    __repr__ = hiding("token")


def new_join_token(
    write: Write, asked: JoinTokenRequest, url: str, fingerprint: str, now: Micros
) -> JoinTokenView:
    """Raises ComputeTargetException for a cluster that nobody can join."""
    cluster = clusters.get(write, asked.cluster)
    if cluster.kind is not ClusterKind.JOINED:
        by = "started by Ray" if cluster.kind is ClusterKind.RAY else "processes on the server's own host"
        raise ComputeTargetException(
            f"Nodes of {cluster.name!r} are {by}: no machine joins it. Make a cluster for machines: "
            "`faena cluster create NAME --joined`."
        )
    if not 0 < asked.days <= _LONGEST_DAYS:
        raise UserErrorException(
            f"days is {asked.days:g}. Use a number above 0 and up to {_LONGEST_DAYS:g}: a token is good for so long."
        )
    token = tokens.new_token(fingerprint)
    expires_at = now + int(asked.days * _DAY)
    store.add_join_token(write, tokens.digest(token), cluster.name, expires_at, now)
    return JoinTokenView(url, token, cluster.name, expires_at)


def expect(write: Write, cluster: Cluster, count: int, now: Micros) -> list[Machine]:
    """Machines that have no node, for nodes that somebody elsewhere is asked for; made where there are too few."""
    there = {machine.name: machine for machine in store.list_machines(write, cluster.name)}
    living = {node.machine for node in compute.list_nodes(write, cluster.name)}
    taken = [name for name, machine in there.items() if machine.id in living]
    found = []
    for name in gangs.free_names(cluster.name, taken, count):
        if (machine := there.get(name)) is None:
            nobodys = tokens.digest(tokens.new_token(""))
            machine = Machine(
                ids.new_id("machine"), cluster.name, name, nobodys, None, Told(1), False, now, now
            )
            store.add(write, machine)
        found.append(machine)
    return found


def expected(write: Write, machine: Machine, node: Node, gang: str) -> Node:
    """Keep a node to come of a machine."""
    node = replace(node, gang=gang)
    compute.add_node(write, node)
    store.change(write, machine.id, node=node.id, draining=0)
    return node


def refuse_other(asked: JoinRequest, version: str, orders: int) -> None:
    """Raises ProtocolMismatch for a runner that does not understand this server, both named."""
    if (asked.wire, asked.orders) == (settings.WIRE_VERSION, orders):
        return
    raise ProtocolMismatch(
        f"This machine has Faena {asked.version[:64]} (wire {asked.wire}, orders {asked.orders}), the server has "
        f"Faena {version} (wire {settings.WIRE_VERSION}, orders {orders}). Install {version} on "
        "this machine."
    )


def join(
    write: Write,
    asked: JoinRequest,
    token: str,
    seen_at: str,
    now: Micros,
    alive: Container[str],
    fingerprint: str,
    was_removed: Callable[[str], str] = lambda digest: "",
) -> Welcome:
    """Have a runner be a node. `alive`: ids of nodes whose lease runs. `was_removed`: as `RemovedMachines.why`.

    Raises AuthenticationException for a token that is unknown, and as `told_by`; Conflict where the name is another
    machine's; ComputeTargetException where the cluster has all its nodes.
    """
    told = told_by(asked, seen_at)
    digest = tokens.digest(token)
    machine = store.by_token(write, digest)
    own = ""
    if machine is None:
        cluster = store.cluster_of_join_token(write, digest, now)
        if cluster is None:
            raise AuthenticationException(
                was_removed(digest)
                or "The token is none of this workspace's, or has expired. `faena node token CLUSTER` on the server's "
                "host makes a new one."
            )
        own = tokens.new_token(fingerprint)
        if clusters.get(write, cluster).kind is ClusterKind.RAY:
            machine = _expected_machine(write, cluster, asked.name, own, now)
        else:
            machine = _new_machine(write, cluster, asked.name, own, told, now, alive)
    shape = clusters.get(write, machine.cluster)
    before = compute.node(write, machine.node) if machine.node else None
    if shape.kind is ClusterKind.RAY and before is None:
        raise _not_asked_for(shape.name, asked.name)
    if before is not None:  # its runner is gone: the machine's own lock says so
        compute.remove_node(write, before, now)
    others = sum(compute.node_states(write, shape.name).values())
    if others >= shape.max_nodes:
        others = sum(node in alive for node in compute.ids_of(write, shape.name))
    if others >= shape.max_nodes:
        raise ComputeTargetException(
            f"{shape.name!r} has {others} of at most {shape.max_nodes} nodes. Give it more (`faena cluster update "
            f"{shape.name} --max-nodes {others + 1}`), or join another cluster."
        )
    node = Node(
        ids.new_id("node"),
        shape.name,
        NodeState.PREPARING,
        None,
        now,
        machine=machine.id,
        cores=told.cores,
        own_gpus=told.gpus,
        address=told.address,
        gang="" if before is None else before.gang,
    )
    compute.add_node(write, node)
    store.change(write, machine.id, node=node.id, told=told, draining=0, heard_at=now)
    write.notify(ENGINE)
    return Welcome(machine, node, own, machine.node)


def _new_machine(
    write: Write, cluster: str, name: str, own: str, told: Told, now: Micros, alive: Container[str]
) -> Machine:
    there = store.by_name(write, cluster, name)
    if there is not None:
        if there.node in alive:
            raise Conflict(
                f"There is a node {name!r} in {cluster!r} already, and it lives. Give this one another --name; on one "
                "machine each runner has its own."
            )
        store.change(write, there.id, token=tokens.digest(own), joined_at=now)
        return there
    _refuse_alike(write, cluster, name)
    made = Machine(ids.new_id("machine"), cluster, name, tokens.digest(own), None, told, False, now, now)
    store.add(write, made)
    return made


def _refuse_alike(read: Read, cluster: str, name: str) -> None:
    """Raises Conflict. A machine keeps what it has of a workspace in a folder of its name."""
    for there in store.list_machines(read, cluster):
        if there.name.casefold() == name.casefold():
            raise Conflict(
                f"There is a node {there.name!r} in {cluster!r}, and {name!r} differs from it by capitals alone: "
                f"disks that do not tell them apart would mix them up. Join as {there.name!r}, or give this one "
                "another --name."
            )


def _expected_machine(write: Write, cluster: str, name: str, own: str, now: Micros) -> Machine:
    """That of a node to come. Raises ComputeTargetException where none of that name is awaited."""
    machine = store.by_name(write, cluster, name)
    node = compute.node(write, machine.node) if machine and machine.node else None
    if machine is None or node is None or not node.is_to_come:
        raise _not_asked_for(cluster, name)
    store.change(write, machine.id, token=tokens.digest(own), joined_at=now)
    return machine


def _not_asked_for(cluster: str, name: str) -> ComputeTargetException:
    return ComputeTargetException(
        f"Nobody waits for a node {name!r} of {cluster!r}: its Ray cluster is asked for nodes when runs wait, and no "
        "other joins."
    )


def get(read: Read, name: str, cluster: str | None = None) -> Machine:
    """By its name; `cluster`: where several have one. Raises NotFound, Conflict."""
    every = store.list_machines(read, cluster)
    found = [each for each in every if name == each.name]
    if len(found) > 1:
        raise Conflict(
            f"Several clusters have a node {name!r}: "
            f"{', '.join(f'{each.cluster}/{each.name}' for each in found)}. Name one of them so."
        )
    if not found:
        near = nearest(name, [each.name for each in every])
        hint = f" Did you mean {near[0]!r}?" if near else " `faena nodes` lists those that there are."
        raise NotFound(f"No machine {name!r} has joined.{hint}")
    return found[0]


def drain(write: Write, name: str, cluster: str | None, now: Micros) -> str | None:
    """Have a machine get no more work: its runner leaves when its run has ended. The id of its node; None: no node."""
    machine = get(write, name, cluster)
    store.change(write, machine.id, draining=1)
    node = compute.node(write, machine.node) if machine.node else None
    if node is None:
        return None
    compute.set_draining(write, node.id, draining=True)
    if node.state is not NodeState.RUNNING:
        compute.set_state(write, node.id, NodeState.LEAVING, now)
    write.notify(ENGINE)
    return node.id


def remove(write: Write, name: str, cluster: str | None, now: Micros) -> Machine:
    """Forget a machine and its token. Refused while a run has its node, or it lives and has something else.

    The machine as it was; its `node` is None where it had none any more.
    """
    machine = get(write, name, cluster)
    node = compute.node(write, machine.node) if machine.node else None
    if node is not None and node.state is NodeState.RUNNING:
        raise Conflict(
            f"{name!r} has run {node.run_id}. Cancel or await it, or `faena node drain {name}` first."
        )
    if node is not None:
        for each in store.on_remove:
            each(write, machine)
        compute.remove_node(write, node, now)
    store.remove(write, machine.id)
    write.notify(ENGINE)
    return replace(machine, node=None if node is None else node.id)
