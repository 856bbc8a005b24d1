"""SQL of clusters and nodes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.kernel.errors import ComputeTargetException
from faena.kernel.hooks import Hooks

_log = logging.getLogger(__name__)

clusters = sa.Table(
    "clusters",
    metadata,
    sa.Column("name", String(64), primary_key=True),
    sa.Column("min_nodes", Integer, nullable=False),
    sa.Column("max_nodes", Integer, nullable=False),
    sa.Column("idle_seconds_before_scaledown", sa.Float, nullable=False),
    sa.Column("cores_per_node", Integer, nullable=False),  # 0: None
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("modified_at", BigInteger, nullable=False),
    sa.Column("resized_at", BigInteger, nullable=False),
    sa.Column("kind", String(16), nullable=False, server_default=ClusterKind.LOCAL.value),
    sa.Column("settings", Text, nullable=False, server_default=""),
    sa.Column("waits", Text, nullable=False, server_default=""),
)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("cluster", sa.ForeignKey("clusters.name"), nullable=False, index=True),
    sa.Column("state", String(16), nullable=False),
    sa.Column("pid", Integer),
    sa.Column("since", BigInteger, nullable=False),
    sa.Column("run_id", String(300)),
    sa.Column("attempt", Integer, nullable=False, default=0),
    sa.Column("rank", Integer, nullable=False, default=0),
    sa.Column("gpus", Text, nullable=False, default=""),  # indexes with commas between
    sa.Column("threads", Integer, nullable=False, server_default="0"),
    sa.Column("machine", String(64)),
    sa.Column("draining", Integer, nullable=False, server_default="0"),
    sa.Column("cores", Integer, nullable=False, server_default="0"),
    sa.Column("own_gpus", Text, nullable=False, server_default=""),
    sa.Column("address", String(255), nullable=False, server_default=""),
    sa.Column("gang", String(64), nullable=False, server_default=""),
)


# Statements of each look of the engine are built once: to build one costs more than to execute it.
_CLUSTERS = Prepared(clusters.select().order_by(clusters.c.name))
_CLUSTER = Prepared(clusters.select().where(clusters.c.name == sa.bindparam("called")))
_ALL_NODES = nodes.select().order_by(nodes.c.since, nodes.c.id)
_NODES = Prepared(_ALL_NODES)
_NODES_OF = Prepared(_ALL_NODES.where(nodes.c.cluster == sa.bindparam("of")))
_NODE = Prepared(nodes.select().where(nodes.c.id == sa.bindparam("node")))
_HELD_GPUS = Prepared(
    sa.select(nodes.c.gpus).where(nodes.c.gpus != sa.literal_column("''"), nodes.c.machine.is_(None))
)
_COUNTED = Prepared(
    sa.select(nodes.c.state, sa.func.count().label("number"))
    .where(nodes.c.cluster == sa.bindparam("of"))
    .group_by(nodes.c.state)
)
_NODE_IDS = Prepared(sa.select(nodes.c.id))
_NOBODYS: dict[str, Any] = {"run_id": None, "attempt": 0, "rank": 0, "gpus": "", "threads": 0}
_SET_STATE = Prepared(
    nodes.update()
    .where(nodes.c.id == sa.bindparam("node"))
    .values(_NOBODYS)
    .values(state=sa.bindparam("new_state"), since=sa.bindparam("now"))
)
_FREE = Prepared(
    nodes.update()
    .where(
        nodes.c.id == sa.bindparam("node"),
        nodes.c.run_id == sa.bindparam("of_run"),
        nodes.c.attempt == sa.bindparam("of_attempt"),
    )
    .values(_NOBODYS)
    .values(state=NodeState.IDLE.value, since=sa.bindparam("now"))
)
_ASSIGN = Prepared(
    nodes.update()
    .where(nodes.c.id == sa.bindparam("node"))
    .values(
        state=NodeState.RUNNING.value,
        since=sa.bindparam("now"),
        run_id=sa.bindparam("new_run"),
        attempt=sa.bindparam("new_attempt"),
        rank=sa.bindparam("new_rank"),
        gpus=sa.bindparam("new_gpus"),
        threads=sa.bindparam("new_threads"),
    )
)


_STATES = {state.value: state for state in NodeState}


def _cluster(row: Any) -> Cluster:
    values = row._asdict()
    del values["resized_at"]
    kind = ClusterKind(values["kind"])
    return Cluster(**{**values, "cores_per_node": values["cores_per_node"] or None, "kind": kind})


def _node(row: Any) -> Node:
    """By place, since the engine reads a thousand at a look. One in a state that there is not gets no more work."""
    node_id, cluster, state, pid, since, run_id, attempt, rank, gpus, threads = row[:10]
    machine, draining, cores, own_gpus, address, gang = row[10:]
    held = tuple(gpus.split(",")) if gpus else ()
    known = _STATES.get(state, NodeState.LEAVING)
    node = Node(node_id, cluster, known, pid, since, run_id, attempt, rank, held, threads)
    if machine is None:
        return node
    own = tuple(own_gpus.split(",")) if own_gpus else ()
    node = replace(node, machine=machine, draining=bool(draining), cores=cores, own_gpus=own)
    return replace(node, address=address, gang=gang)


def put_cluster(write: Write, cluster: Cluster) -> None:
    values = {
        column: getattr(cluster, column)
        for column in clusters.columns.keys()  # noqa: SIM118  iterating the collection gives columns
        if column != "resized_at"
    }
    values |= {"cores_per_node": cluster.cores_per_node or 0, "kind": cluster.kind.value}
    changed = [column for column in values if column not in ("name", "created_at")]
    upsert(write, clusters, {**values, "resized_at": cluster.modified_at}, update=changed)


def cluster(read: Read, name: str) -> Cluster | None:
    row = read.execute(_CLUSTER, {"called": name}).first()
    return _cluster(row) if row else None


def list_clusters(read: Read) -> list[Cluster]:
    """By name; without those whose rows hold what no cluster can have: they concern nobody who works on others."""
    found = []
    for row in read.execute(_CLUSTERS):
        try:
            found.append(_cluster(row))
        except (ComputeTargetException, TypeError, ValueError) as error:
            _log.error("the cluster %r is passed over: %s", row.name, error)
    return found


def resized_at(read: Read, name: str) -> Micros:
    """When a node of the cluster last came or went."""
    return int(read.execute(sa.select(clusters.c.resized_at).where(clusters.c.name == name)).scalar_one())


def set_waits(write: Write, name: str, waits: str) -> None:
    write.execute(clusters.update().where(clusters.c.name == name).values(waits=waits))


on_delete: Hooks[[Write, str], None] = Hooks()
"""What goes with a cluster, in the transaction that deletes it."""


def delete_cluster(write: Write, name: str) -> None:
    for each in on_delete:
        each(write, name)
    write.execute(clusters.delete().where(clusters.c.name == name))


def add_node(write: Write, node: Node) -> None:
    write.execute(
        nodes.insert().values(
            id=node.id,
            cluster=node.cluster,
            state=node.state.value,
            pid=node.pid,
            since=node.since,
            machine=node.machine,
            draining=int(node.draining),
            cores=node.cores,
            own_gpus=",".join(node.own_gpus),
            address=node.address,
            gang=node.gang,
        )
    )
    _resized(write, node.cluster, node.since)


def remove_node(write: Write, node: Node, now: Micros) -> None:
    write.execute(nodes.delete().where(nodes.c.id == node.id))
    _resized(write, node.cluster, now)


def set_state(write: Write, node_id: str, state: NodeState, now: Micros) -> None:
    """Any state but RUNNING; the node is nobody's afterwards."""
    write.execute(_SET_STATE, {"node": node_id, "new_state": state.value, "now": now})


def free(write: Write, node_id: str, run_id: str, attempt: int, now: Micros) -> bool:
    """Have a node idle; False where it has not this attempt of the run any more."""
    which = {"node": node_id, "of_run": run_id, "of_attempt": attempt}
    return bool(write.execute(_FREE, {**which, "now": now}).rowcount)


def assign_all(write: Write, given: Sequence[Node], now: Micros) -> None:
    """Each with the run, rank, GPUs and threads that it has from now on."""
    if given:
        rows = [
            {
                "node": node.id,
                "new_run": node.run_id,
                "new_attempt": node.attempt,
                "new_rank": node.rank,
                "new_gpus": ",".join(node.gpus),
                "new_threads": node.threads,
                "now": now,
            }
            for node in given
        ]
        write.execute(_ASSIGN, rows)


def held_gpus(read: Read) -> set[str]:
    """GPUs of the server's host that some node holds."""
    return {gpu for held in read.execute(_HELD_GPUS).scalars() for gpu in held.split(",")}


def node_ids(read: Read) -> set[str]:
    return set(read.execute(_NODE_IDS).scalars())


def node_states(read: Read, cluster: str) -> dict[NodeState, int]:
    """How many nodes of a cluster there are in each state."""
    found = read.execute(_COUNTED, {"of": cluster})
    return {_STATES[row.state]: row.number for row in found if row.state in _STATES}


def set_draining(write: Write, node_id: str, *, draining: bool) -> None:
    write.execute(nodes.update().where(nodes.c.id == node_id).values(draining=int(draining)))


def set_pid(write: Write, node_id: str, pid: int) -> None:
    write.execute(nodes.update().where(nodes.c.id == node_id).values(pid=pid))


def node(read: Read, node_id: str) -> Node | None:
    row = read.execute(_NODE, {"node": node_id}).first()
    return _node(row) if row else None


_IDLE = Prepared(
    sa.select(nodes.c.id)
    .where(
        nodes.c.cluster == sa.bindparam("of"),
        nodes.c.state == sa.literal_column(f"'{NodeState.IDLE.value}'"),
    )
    .limit(1)
)


def has_idle(read: Read, cluster: str) -> bool:
    return read.execute(_IDLE, {"of": cluster}).first() is not None


def list_nodes(read: Read, cluster: str | None = None) -> list[Node]:
    """Nodes in the order in which they came."""
    found = read.execute(_NODES) if cluster is None else read.execute(_NODES_OF, {"of": cluster})
    return [_node(row) for row in found]


def _resized(write: Write, cluster: str, now: Micros) -> None:
    write.execute(clusters.update().where(clusters.c.name == cluster).values(resized_at=now))
