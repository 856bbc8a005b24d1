"""SQL of machines and the tokens by which they join."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from faena.compute import store as compute
from faena.compute.machines.model import Machine, Told, decoded, encoded
from faena.compute.model import ClusterKind
from faena.db import BigInteger, Integer, Read, String, Write, metadata
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.kernel.hooks import Hooks

machines = sa.Table(
    "machines",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("cluster", sa.ForeignKey("clusters.name"), nullable=False),
    sa.Column("name", String(255), nullable=False),
    sa.Column("token", String(64), nullable=False),
    sa.Column("node", String(64)),
    sa.Column("told", sa.LargeBinary, nullable=False),
    sa.Column("draining", Integer, nullable=False, server_default="0"),
    sa.Column("joined_at", BigInteger, nullable=False),
    sa.Column("heard_at", BigInteger, nullable=False),
    sa.Index("machines_by_name", "cluster", "name", unique=True),
    sa.Index("machines_by_token", "token", unique=True),
)
"""`token`: its digest. `node`: the runner that it has now, or had last."""

join_tokens = sa.Table(
    "join_tokens",
    metadata,
    sa.Column("token", String(64), primary_key=True),
    sa.Column("cluster", sa.ForeignKey("clusters.name"), nullable=False),
    sa.Column("expires_at", BigInteger, nullable=False),
)

_IN_ORDER = machines.select().order_by(machines.c.cluster, machines.c.name)
_ALL = Prepared(_IN_ORDER)
_ALL_OF = Prepared(_IN_ORDER.where(machines.c.cluster == sa.bindparam("of")))
_BY_TOKEN = Prepared(machines.select().where(machines.c.token == sa.bindparam("digest")))
_BY_NODE = Prepared(machines.select().where(machines.c.node == sa.bindparam("of_node")))
_BY_ID = Prepared(machines.select().where(machines.c.id == sa.bindparam("called")))


_FROM = machines.join(compute.clusters, machines.c.cluster == compute.clusters.c.name).outerjoin(
    compute.nodes, machines.c.node == compute.nodes.c.id
)
_OF_MACHINE = (machines.c.draining, machines.c.joined_at, machines.c.heard_at, compute.clusters.c.kind)
_OF_NODE = (compute.nodes.c.id, compute.nodes.c.state, compute.nodes.c.run_id, compute.nodes.c.draining)


def _all_in_one(all_of: Any, row_of: Any, told: Any) -> Prepared:
    """All rows as one text, since a thread that reads a thousand of them has to get Python's lock back after each."""
    row = row_of(machines.c.cluster, machines.c.name, machines.c.id, told, *_OF_MACHINE, *_OF_NODE)
    return Prepared(sa.select(sa.cast(all_of(row), sa.Text)).select_from(_FROM))


_SHOWN = {
    "sqlite": _all_in_one(sa.func.json_group_array, sa.func.json_array, sa.cast(machines.c.told, sa.Text)),
    "postgresql": _all_in_one(
        sa.func.json_agg, sa.func.json_build_array, sa.func.convert_from(machines.c.told, sa.text("'UTF8'"))
    ),
}


class Shown(NamedTuple):
    """A machine with its cluster and its node, as far as it has one: None in the last four, where it has none."""

    cluster: str
    name: str
    id: str
    told: str
    draining: int
    joined_at: Micros
    heard_at: Micros
    kind: str
    node: str | None
    state: str | None
    run_id: str | None
    node_draining: int | None


def shown(read: Read) -> list[Shown]:
    """All, by cluster and name."""
    found = read.execute(_SHOWN[read.connection.dialect.name]).scalar()
    return sorted(msgspec.json.decode(found or "[]", type=list[Shown]))


def _machine(row: Any) -> Machine:
    """By place, since there may be thousands."""
    machine_id, cluster, name, token, node, told, draining, joined_at, heard_at = row
    return Machine(machine_id, cluster, name, token, node, decoded(told), bool(draining), joined_at, heard_at)


def list_machines(read: Read, cluster: str | None = None) -> list[Machine]:
    """By cluster and name."""
    found = read.execute(_ALL) if cluster is None else read.execute(_ALL_OF, {"of": cluster})
    return [_machine(row) for row in found]


def by_token(read: Read, digest: str) -> Machine | None:
    row = read.execute(_BY_TOKEN, {"digest": digest}).first()
    return _machine(row) if row else None


def by_node(read: Read, node: str) -> Machine | None:
    """Whose latest runner it is."""
    row = read.execute(_BY_NODE, {"of_node": node}).first()
    return _machine(row) if row else None


def get(read: Read, machine: str) -> Machine | None:
    row = read.execute(_BY_ID, {"called": machine}).first()
    return _machine(row) if row else None


def by_name(read: Read, cluster: str, name: str) -> Machine | None:
    found = machines.select().where(machines.c.cluster == cluster, machines.c.name == name)
    row = read.execute(found).first()
    return _machine(row) if row else None


def add(write: Write, machine: Machine) -> None:
    values = {name: getattr(machine, name) for name in machine.__struct_fields__}
    values |= {"told": encoded(machine.told), "draining": int(machine.draining)}
    write.execute(machines.insert().values(values))


_HEARD = Prepared(
    machines.update().where(machines.c.id == sa.bindparam("its")).values(heard_at=sa.bindparam("at"))
)


def heard(write: Write, machine: str, at: Micros) -> None:
    """When something was heard of it last."""
    write.execute(_HEARD, {"its": machine, "at": at})


def change(write: Write, machine: str, **values: Any) -> None:
    if isinstance(told := values.get("told"), Told):
        values["told"] = encoded(told)
    write.execute(machines.update().where(machines.c.id == machine).values(values))


def remove(write: Write, machine: str) -> None:
    write.execute(machines.delete().where(machines.c.id == machine))


def forget_away(write: Write, before: Micros) -> int:
    """Those that have no node and were not heard of since; how many."""
    gone = machines.delete().where(
        machines.c.heard_at < before,
        ~sa.exists().where(compute.nodes.c.machine == machines.c.id),
    )
    return write.execute(gone).rowcount


def forget_joined(write: Write) -> None:
    """All that have joined, and all tokens to join with: they trust a certificate that this workspace has not."""
    its = sa.select(compute.clusters.c.name).where(compute.clusters.c.kind == ClusterKind.JOINED.value)
    for table in (machines, join_tokens):
        write.execute(table.delete().where(table.c.cluster.in_(its)))


def add_join_token(write: Write, digest: str, cluster: str, expires_at: Micros, now: Micros) -> None:
    write.execute(join_tokens.delete().where(join_tokens.c.expires_at < now))
    write.execute(join_tokens.insert().values(token=digest, cluster=cluster, expires_at=expires_at))


def cluster_of_join_token(read: Read, digest: str, now: Micros) -> str | None:
    """None for one that is unknown or has expired."""
    found = sa.select(join_tokens.c.cluster).where(
        join_tokens.c.token == digest, join_tokens.c.expires_at >= now
    )
    return read.execute(found).scalar()


on_remove: Hooks[[Write, Machine], None] = Hooks()
"""Called for a machine that has a node and is to be forgotten; may refuse."""


@compute.on_delete.add
def remove_of_cluster(write: Write, cluster: str) -> None:
    write.execute(join_tokens.delete().where(join_tokens.c.cluster == cluster))
    write.execute(machines.delete().where(machines.c.cluster == cluster))
