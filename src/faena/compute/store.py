"""SQL of clusters and nodes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

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
_NODES_HERE = Prepared(_ALL_NODES.where(nodes.c.machine.is_(None)))
_IDLE_ELSEWHERE = Prepared(
    nodes.select()
    .where(
        nodes.c.cluster == sa.bindparam("of"),
        nodes.c.state == sa.literal_column(f"'{NodeState.IDLE.value}'"),
        nodes.c.draining == 0,
        nodes.c.machine.is_not(None),
    )
    .order_by(nodes.c.own_gpus != sa.literal_column("''"), nodes.c.since, nodes.c.id)
    .limit(sa.bindparam("most"))
)
_ADDRESSES = Prepared(
    sa.select(nodes.c.rank, nodes.c.address)
    .where(
        nodes.c.cluster == sa.bindparam("of"),
        nodes.c.run_id == sa.bindparam("of_run"),
        nodes.c.attempt == sa.bindparam("of_attempt"),
    )
    .order_by(nodes.c.rank)
)
_FEWEST_CORES = Prepared(sa.select(sa.func.min(nodes.c.cores)).where(nodes.c.cluster == sa.bindparam("of")))
_COUNT_HERE = Prepared(sa.select(sa.func.count()).select_from(nodes).where(nodes.c.machine.is_(None)))
_IDS_OF = Prepared(sa.select(nodes.c.id).where(nodes.c.cluster == sa.bindparam("of")))
_OF_MACHINE = Prepared(sa.select(nodes.c.id).where(nodes.c.machine == sa.bindparam("its")).limit(1))
_IDS_ELSEWHERE = Prepared(sa.select(nodes.c.id).where(nodes.c.machine.is_not(None)))
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
    if machine is None:
        return Node(node_id, cluster, known, pid, since, run_id, attempt, rank, held, threads)
    own = tuple(own_gpus.split(",")) if own_gpus else ()
    its = (machine, bool(draining), cores, own, address, gang)
    return Node(node_id, cluster, known, pid, since, run_id, attempt, rank, held, threads, *its)


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
    counted: dict[NodeState, int] = {}
    for row in read.execute(_COUNTED, {"of": cluster}):
        state = _STATES.get(row.state, NodeState.LEAVING)
        counted[state] = counted.get(state, 0) + row.number
    return counted


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


def list_here(read: Read) -> list[Node]:
    """Those that are processes of the server's own host."""
    return [_node(row) for row in read.execute(_NODES_HERE)]


def count_here(read: Read) -> int:
    return int(read.execute(_COUNT_HERE).scalar())


def idle_elsewhere(read: Read, cluster: str, most: int) -> list[Node]:
    """Nodes of other machines that may be given a run: those without GPUs first, in the order in which they idle."""
    return [_node(row) for row in read.execute(_IDLE_ELSEWHERE, {"of": cluster, "most": most})]


def ids_elsewhere(read: Read) -> list[str]:
    return list(read.execute(_IDS_ELSEWHERE).scalars())


def has_node(read: Read, machine: str) -> bool:
    """Whether a machine has a runner."""
    return read.execute(_OF_MACHINE, {"its": machine}).first() is not None


def ids_of(read: Read, cluster: str) -> list[str]:
    return list(read.execute(_IDS_OF, {"of": cluster}).scalars())


def addresses(read: Read, cluster: str, run_id: str, attempt: int) -> list[tuple[int, str]]:
    """Rank and address of each node that has a rank of the attempt, by rank."""
    found = read.execute(_ADDRESSES, {"of": cluster, "of_run": run_id, "of_attempt": attempt})
    return [(row.rank, row.address) for row in found]


def fewest_cores(read: Read, cluster: str) -> int:
    """Of the cluster's nodes, each of another machine; 1 where there is none."""
    return int(read.execute(_FEWEST_CORES, {"of": cluster}).scalar() or 1)


def _resized(write: Write, cluster: str, now: Micros) -> None:
    write.execute(clusters.update().where(clusters.c.name == cluster).values(resized_at=now))
