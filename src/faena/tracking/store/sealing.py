"""Moves the bytes of chunks and segments from their rows to a pack.

Only rows that never change are moved: chunks that are no tail, segments that are compressed.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, Write
from faena.db.prepared import Prepared
from faena.tracking.store.logs import segments
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.store.packs import Place, packs, place
from faena.tracking.store.streams import streams

METRICS, LOGS = "metrics", "logs"

_TABLES = {METRICS: chunks, LOGS: segments}
_TOGETHER = 500


def _of_attempt(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.run_id == sa.bindparam("of_run"), table.c.attempt == sa.bindparam("of_attempt")


_MOVABLE = {
    METRICS: Prepared(
        sa.select(chunks.c.id, chunks.c.size)
        .join(series)
        .where(*_of_attempt(series), ~chunks.c.tail, chunks.c.data.is_not(None))
        .order_by(chunks.c.series_id, chunks.c.id)
    ),
    LOGS: Prepared(
        sa.select(segments.c.id, segments.c.size)
        .join(streams)
        .where(*_of_attempt(streams), segments.c.compressed, segments.c.data.is_not(None))
        .order_by(segments.c.stream_id, segments.c.offset)
    ),
}


class Movable(Struct, frozen=True):
    """A row with bytes; `table` is METRICS or LOGS."""

    table: str
    id: int
    size: int


def movable(read: Read, run_id: str, attempt: int) -> list[Movable]:
    """By metric and by log, each in the order of arrival: what is read together lies together."""
    which = {"of_run": run_id, "of_attempt": attempt}
    return [
        Movable(table, row.id, row.size)
        for table, statement in _MOVABLE.items()
        for row in read.execute(statement, which)
    ]


def data_of(read: Read, wanted: Sequence[Movable]) -> list[bytes | None]:
    """Their bytes in the same order, None where another seal has moved them meanwhile."""
    found: dict[tuple[str, int], bytes] = {}
    for name, table in _TABLES.items():
        ids = [row.id for row in wanted if row.table == name]
        for start in range(0, len(ids), _TOGETHER):
            part = ids[start : start + _TOGETHER]
            rows = read.execute(sa.select(table.c.id, table.c.data).where(table.c.id.in_(part)))
            found.update({(name, row.id): row.data for row in rows})
    return [found.get((row.table, row.id)) for row in wanted]


def move(write: Write, pack_id: int, moved: Sequence[tuple[Movable, int]]) -> None:
    """Say that each row's bytes are at its position in the pack. A few hundred rows at most.

    The rows are written anew: where SQLite shrinks a row in place it keeps the page, 4 KiB for each of them.
    """
    for name, table in _TABLES.items():
        positions = {row.id: position for row, position in moved if row.table == name}
        chosen = table.c.id.in_(list(positions)) & table.c.data.is_not(None)
        kept = [column for column in table.c if column.name not in ("data", "pack_id", "position")]
        rows = [dict(row) for row in write.execute(sa.select(*kept).where(chosen)).mappings()]
        if rows:
            write.execute(table.delete().where(chosen))
            changed = [
                {**row, "data": None, "pack_id": pack_id, "position": positions[row["id"]]} for row in rows
            ]
            write.execute(table.insert(), changed)


class Packed(Struct, frozen=True):
    """A row whose bytes are in a pack; `table` is METRICS or LOGS."""

    table: str
    id: int
    place: Place

    @property
    def size(self) -> int:
        return self.place.size


def packed(read: Read, pack_id: int) -> list[Packed]:
    """The rows whose bytes are in a pack, in their order there."""
    found: list[Packed] = []
    for name, table in _TABLES.items():
        columns = (table.c.id, table.c.data, table.c.position, table.c.size, packs.c.digest)
        query = sa.select(*columns).select_from(table.join(packs)).where(table.c.pack_id == pack_id)
        found += [Packed(name, row.id, place(row)) for row in read.execute(query)]
    return sorted(found, key=lambda row: row.place.position)


def move_packed(write: Write, pack_id: int, moved: Sequence[tuple[Packed, int]]) -> None:
    """Say that each row's bytes are at its position in another pack."""
    for row, position in moved:
        table = _TABLES[row.table]
        write.execute(table.update().where(table.c.id == row.id).values(pack_id=pack_id, position=position))
