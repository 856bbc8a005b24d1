"""SQL of quotas, of the nodes that persons and experiments use, and of whose turn it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.compute.shares import Line, Owner, OwnerKind
from faena.db import BigInteger, Integer, Read, String, Write, lists, metadata, upsert
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs.model import SCRIPT_RUN, RunStatus
from faena.runs.store import IS_UNFINISHED, runs

EVERYBODY = Owner(OwnerKind.PERSON, "")
"""Whose quota counts for persons who have none of their own."""

quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("kind", String(16), primary_key=True),
    sa.Column("name", String(255), primary_key=True),
    sa.Column("nodes", Integer),
    sa.Column("node_hours", sa.Float),
    sa.Column("bytes", BigInteger),
    sa.Column("changed_at", BigInteger, nullable=False),
)
"""`name`: empty for every person who has none of their own. null: no limit."""

node_use = sa.Table(
    "node_use",
    metadata,
    sa.Column("month", Integer, primary_key=True),
    sa.Column("user", String(255), primary_key=True),
    sa.Column("experiment", String(255), primary_key=True),
    sa.Column("used", BigInteger, nullable=False),
)
"""`month`: of UTC, as 202611. `used`: microseconds of one node, of attempts that are over; deleted runs count."""

turns = sa.Table(
    "queue_turns",
    metadata,
    sa.Column("user", String(255), primary_key=True),
    sa.Column("served", BigInteger, nullable=False),
)
"""When runs of somebody last got nodes while others waited: a growing number."""


ON_NODES: list[sa.ColumnElement[str]] = [
    sa.literal_column(f"'{status.value}'")
    for status in (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.FINALIZING)
]
"""The phases of a run in which it has nodes, if it is one that gets any."""


class Quota(Struct, frozen=True):
    """What its owner may use; None: as much as there is."""

    owner: Owner
    nodes: int | None = None
    node_hours: float | None = None
    bytes: int | None = None


_QUOTAS = Prepared(quotas.select().order_by(quotas.c.kind, quotas.c.name))
_USED = Prepared(
    sa.select(runs.c.user, runs.c.experiment, sa.func.sum(runs.c.node_count).label("nodes"))
    .where(IS_UNFINISHED, runs.c.status.in_(ON_NODES), runs.c.type == sa.literal_column(f"'{SCRIPT_RUN}'"))
    .group_by(runs.c.user, runs.c.experiment)
)
_MONTH = Prepared(node_use.select().where(node_use.c.month == sa.bindparam("of_month")))
_ADD_USE = Prepared(
    node_use.update()
    .where(*(node_use.c[name] == sa.bindparam(f"of_{name}") for name in ("month", "user", "experiment")))
    .values(used=node_use.c.used + sa.bindparam("more", type_=BigInteger))
)
_SERVED = lists.prepared_for(lambda users: turns.select().where(turns.c.user.in_(users)))
_LATEST_SERVED = Prepared(sa.select(sa.func.max(turns.c.served)))


def all_quotas(read: Read) -> dict[Owner, Quota]:
    found = (_quota(row) for row in read.execute(_QUOTAS))
    return {quota.owner: quota for quota in found}


def _quota(row: Any) -> Quota:
    return Quota(Owner(OwnerKind(row.kind), row.name), row.nodes, row.node_hours, row.bytes)


def put(write: Write, quota: Quota, now: Micros) -> None:
    kind, name = quota.owner
    values = {"nodes": quota.nodes, "node_hours": quota.node_hours, "bytes": quota.bytes, "changed_at": now}
    upsert(write, quotas, {"kind": kind.value, "name": name, **values}, update=tuple(values))


def remove(write: Write, owner: Owner) -> None:
    write.execute(quotas.delete().where(quotas.c.kind == owner.kind.value, quotas.c.name == owner.name))


def nodes_in_use(read: Read) -> dict[Line, int]:
    """Of all clusters, by whose they are."""
    return {Line(row.user, row.experiment): int(row.nodes) for row in read.execute(_USED)}


def used_in(read: Read, month: int) -> dict[Line, Micros]:
    """Microseconds of nodes, of attempts that are over."""
    rows = read.execute(_MONTH, {"of_month": month})
    return {Line(row.user, row.experiment): row.used for row in rows}


def add_use(write: Write, line: Line, months: Mapping[int, Micros]) -> None:
    """Microseconds of nodes, by month."""
    for month, more in months.items():
        key = {"month": month, "user": line.user, "experiment": line.experiment}
        given = {f"of_{name}": value for name, value in key.items()} | {"more": more}
        if not write.execute(_ADD_USE, given).rowcount:
            upsert(write, node_use, {**key, "used": 0})
            write.execute(_ADD_USE, given)


def served(read: Read, users: Collection[str]) -> dict[str, int]:
    return {row.user: row.served for row in lists.execute(read, _SERVED, sorted(users))}


def mark_served(write: Write, users: Sequence[str]) -> None:
    """These had their turns, one after the other."""
    latest = int(write.execute(_LATEST_SERVED).scalar() or 0)
    places = {user: latest + place for place, user in enumerate(users, 1)}
    rows = [{"user": user, "served": place} for user, place in places.items()]
    upsert(write, turns, rows, update=("served",))


def rename_experiment(write: Write, name: str, new_name: str) -> None:
    """What was used under its name before counts on under the new one."""
    of_experiment = (quotas.c.kind == OwnerKind.EXPERIMENT.value, quotas.c.name == name)
    write.execute(quotas.update().where(*of_experiment).values(name=new_name))
    by_line: defaultdict[tuple[int, str], int] = defaultdict(int)
    both = node_use.c.experiment.in_((name, new_name))
    for row in write.execute(node_use.select().where(both)):
        by_line[row.month, row.user] += row.used
    write.execute(node_use.delete().where(both))
    for (month, user), used in by_line.items():
        moved = {"month": month, "user": user, "experiment": new_name, "used": used}
        write.execute(node_use.insert().values(moved))
