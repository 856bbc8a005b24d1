"""Where the bytes of a chunk or segment are: in its row while the attempt is written, in a pack afterwards.

A pack is one object that holds all chunks and segments of an attempt, one after the other.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, BinaryIO

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, partial_index
from faena.kernel.clock import Micros
from faena.kernel.errors import ServiceException
from faena.objects.contract import ObjectFiles
from faena.objects.references import OBJECT

packs = sa.Table(
    "tracking_packs",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("run_id", Text, nullable=False, index=True),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("digest", String(64), nullable=False, index=True, info=OBJECT),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)


class Place(Struct, frozen=True):
    """Bytes in a row (`data`), or `size` bytes from `position` on in the object `digest`."""

    data: bytes | None
    digest: str | None
    position: int
    size: int


def place_columns() -> list[sa.Column[Any]]:
    """The columns of a table whose rows have bytes; fresh ones for each table."""
    return [
        sa.Column("data", sa.LargeBinary),
        sa.Column("pack_id", sa.ForeignKey(packs.c.id)),
        sa.Column("position", BigInteger, nullable=False, server_default="0"),
        sa.Column("size", Integer, nullable=False),
    ]


def index_of_packed(table: sa.Table) -> None:
    """By which a pack finds its rows, those that are in one."""
    partial_index(f"{table.name}_packed", table.c.pack_id, where=table.c.pack_id.is_not(None))


def place(row: Any) -> Place:
    """Of a row selected with the columns `data`, `digest`, `position` and `size`."""
    return Place(row.data, row.digest, row.position, row.size)


def add(write: Write, run_id: str, attempt: int, digest: str, size: int, now: Micros) -> int:
    values = {"run_id": run_id, "attempt": attempt, "digest": digest, "size": size, "created_at": now}
    result = write.execute(packs.insert().values(values))
    assert result.inserted_primary_key is not None
    number: int = result.inserted_primary_key[0]
    return number


class Pack(Struct, frozen=True):
    id: int
    size: int


def of_attempt(read: Read, run_id: str, attempt: int) -> list[Pack]:
    query = sa.select(packs.c.id, packs.c.size).where(packs.c.run_id == run_id, packs.c.attempt == attempt)
    return [Pack(row.id, row.size) for row in read.execute(query.order_by(packs.c.id))]


def forget(write: Write, pack_id: int) -> None:
    """Nothing may be in it any more."""
    write.execute(packs.delete().where(packs.c.id == pack_id))


class Opened:
    """Reads places; each object is opened once. A context manager."""

    def __init__(self, objects: ObjectFiles | None) -> None:
        self._objects = objects
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bytes(self, place: Place) -> bytes:
        """Raises NotFound when the object is gone, ObjectDamaged when it is not what it was."""
        if place.data is not None:
            return place.data
        if place.digest is None or self._objects is None:
            raise ServiceException("These bytes are in the object store, and the query was given none.")
        file = self._files.get(place.digest)
        if file is None:
            file = self._stack.enter_context(self._objects.open_to_seek(place.digest))
            self._files[place.digest] = file
        file.seek(place.position)
        data = file.read(place.size)
        if len(data) != place.size:
            raise ServiceException(
                f"Object {place.digest} ends before byte {place.position + place.size}: it was damaged. "
                "Restore it from a backup of the workspace."
            )
        return data
