"""The files in a run's history, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from faena.db import (
    BigInteger,
    Integer,
    Read,
    String,
    Text,
    Write,
    lists,
    metadata,
    partial_index,
    upsert,
)
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.objects.references import OBJECT
from faena.tracking.model import RunFile, StoredFile

run_files = sa.Table(
    "run_files",
    metadata,
    sa.Column("run_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("digest", String(64), nullable=False, index=True, info=OBJECT),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("deletion", Integer),
    partial_index("run_files_deleted", "deletion", where=sa.column("deletion").is_not(None)),
)
"""`deletion`: the one that takes the file away."""


_THERE = run_files.c.deletion.is_(None)
_OF_RUN = run_files.c.run_id == sa.bindparam("of_run")
_BELOW = Prepared(
    sa.select(run_files.c.name)
    .where(
        _OF_RUN, run_files.c.name >= sa.bindparam("first"), run_files.c.name < sa.bindparam("behind"), _THERE
    )
    .limit(sa.literal_column("1"))
)
_NAMED = lists.prepared_for(
    lambda names: sa.select(run_files.c.name).where(_OF_RUN, run_files.c.name.in_(names), _THERE)
)


def put(write: Write, run_id: str, stored: Mapping[str, StoredFile], now: Micros) -> None:
    rows = [
        {
            "run_id": run_id,
            "name": name,
            "digest": file.digest,
            "size": file.size,
            "created_at": now,
            "deletion": None,
        }
        for name, file in stored.items()
    ]
    upsert(write, run_files, rows, update=["digest", "size", "created_at", "deletion"])


def forget_folder(write: Write, run_id: str, folder: str) -> int:
    """Files of the run whose names begin so; how many they were. Their bytes go when nothing else refers to them."""
    mine = (run_files.c.run_id == run_id) & run_files.c.name.startswith(folder, autoescape=True)
    return write.execute(run_files.delete().where(mine, _THERE)).rowcount


def forget(write: Write, run_id: str, names: Iterable[str]) -> None:
    """Files of the run of these names. Their bytes go when nothing else refers to them."""
    write.execute(
        run_files.delete().where(run_files.c.run_id == run_id, run_files.c.name.in_(list(names)), _THERE)
    )


def of_run(read: Read, run_id: str, prefix: str) -> list[RunFile]:
    """By name, in the order of code points."""
    query = sa.select(run_files).where(run_files.c.run_id == run_id, _THERE).order_by(run_files.c.name)
    if prefix:
        query = query.where(sa.func.substr(run_files.c.name, 1, len(prefix)) == prefix)
    return [RunFile(row.name, row.size, row.digest, row.created_at) for row in read.execute(query)]


def any_of(read: Read, run_id: str, names: Sequence[str], folder: str) -> str | None:
    """One of these names, or one that begins with `folder`, which ends with `/`."""
    below = {
        "of_run": run_id,
        "first": folder,
        "behind": f"{folder[:-1]}0",
    }  # the digit that follows the slash
    found: str | None = read.execute(_BELOW, below).scalar()
    if found is not None or not names:
        return found
    return next((row.name for row in lists.execute(read, _NAMED, names, given={"of_run": run_id})), None)


def find(read: Read, run_id: str, name: str) -> RunFile | None:
    query = sa.select(run_files).where(run_files.c.run_id == run_id, run_files.c.name == name, _THERE)
    row = read.execute(query).one_or_none()
    return RunFile(row.name, row.size, row.digest, row.created_at) if row else None
