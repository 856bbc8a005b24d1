"""SQL of the checkpoints that were taken of attempts while they ran: of each rank the newest set of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.objects.references import OBJECT
from faena.runs.store import OF_RUN

checkpoint_files = sa.Table(
    "checkpoint_files",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("attempt", Integer, primary_key=True),
    sa.Column("rank", Integer, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("digest", String(64), nullable=False, index=True, info=OBJECT),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("modified", BigInteger, nullable=False),
    sa.Column("taken_at", BigInteger, nullable=False),
)
"""`name`: in the folder of checkpoints. `modified`: when the script wrote it, in ns: scripts look for the newest."""

_TOGETHER = 100
"""Rows in one statement: a database takes so many parameters and no more."""
_LATEST = Prepared(
    sa.select(sa.func.max(checkpoint_files.c.attempt)).where(
        checkpoint_files.c.run_id == sa.bindparam("run"),
        checkpoint_files.c.attempt < sa.bindparam("before"),
    )
)
_SIZES = Prepared(
    sa.select(
        checkpoint_files.c.attempt.label("attempt"),
        sa.func.count().label("files"),
        sa.func.sum(checkpoint_files.c.size).label("bytes"),
        sa.func.max(checkpoint_files.c.taken_at).label("at"),
    )
    .where(checkpoint_files.c.run_id == sa.bindparam("run"))
    .group_by(checkpoint_files.c.attempt)
)


class TakenFile(Struct, frozen=True):
    name: str
    digest: str
    size: int
    modified: int
    taken_at: Micros
    rank: int = 0


def of_attempt(read: Read, run_id: str, attempt: int, rank: int | None = None) -> list[TakenFile]:
    """By rank and name; of one rank where it is given."""
    table = checkpoint_files.c
    query = checkpoint_files.select().where(table.run_id == run_id, table.attempt == attempt)
    if rank is not None:
        query = query.where(table.rank == rank)
    return [
        TakenFile(row.name, row.digest, row.size, row.modified, row.taken_at, row.rank)
        for row in read.execute(query.order_by(table.rank, table.name))
    ]


def latest(read: Read, run_id: str, before: int) -> int | None:
    """The latest attempt before that one of which there is a checkpoint."""
    found: int | None = read.execute(_LATEST, {"run": run_id, "before": before}).scalar()
    return found


def sizes(read: Read, run_id: str) -> dict[int, tuple[int, int, Micros]]:
    """Files, their bytes and when the last of them was taken, by attempt."""
    rows = read.execute(_SIZES, {"run": run_id})
    return {row.attempt: (row.files, int(row.bytes), row.at) for row in rows}


def replace(write: Write, run_id: str, attempt: int, rank: int, files: Mapping[str, TakenFile]) -> list[str]:
    """Have these be the set of the rank; digests that it had and has no more."""
    table = checkpoint_files.c
    mine = (table.run_id == run_id) & (table.attempt == attempt) & (table.rank == rank)
    had = {file.name: file for file in of_attempt(write, run_id, attempt, rank)}
    going = [name for name, file in had.items() if files.get(name) != file]
    for start in range(0, len(going), _TOGETHER):
        write.execute(checkpoint_files.delete().where(mine, table.name.in_(going[start : start + _TOGETHER])))
    rows = [
        {
            "run_id": run_id,
            "attempt": attempt,
            "rank": rank,
            "name": name,
            "digest": file.digest,
            "size": file.size,
            "modified": file.modified,
            "taken_at": file.taken_at,
        }
        for name, file in files.items()
        if had.get(name) != file
    ]
    for start in range(0, len(rows), _TOGETHER):
        write.execute(checkpoint_files.insert(), rows[start : start + _TOGETHER])
    return sorted({file.digest for file in had.values()} - {file.digest for file in files.values()})


def forget(write: Write, run_id: str) -> None:
    """All checkpoints of a run; their bytes go when nothing else refers to them."""
    write.execute(checkpoint_files.delete().where(checkpoint_files.c.run_id == run_id))


def forget_before(write: Write, run_id: str, attempt: int) -> list[str]:
    """Those of attempts before that one; their digests."""
    table = checkpoint_files.c
    old = (table.run_id == run_id) & (table.attempt < attempt)
    gone: Sequence[str] = (
        write.execute(checkpoint_files.delete().where(old).returning(table.digest)).scalars().all()
    )
    return sorted(set(gone))
