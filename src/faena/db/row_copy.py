"""All rows of one database in another one, of whatever kinds the two are: how backups and moves carry them.

What was read is compared with what the other one has then: how many rows, and a digest of them, table by table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from faena.db.columns import POSTGRESQL, clean
from faena.db.schema import OF_PLACE, metadata, version
from faena.kernel.errors import ServiceException

_TOGETHER = 500
"""Rows that are read and written at once: some of them hold 256 KiB."""
_STREAMED = {"yield_per": _TOGETHER}
Look = Callable[[], None]
"""Called between batches; may raise, to end it."""


class TableSum(Struct, frozen=True):
    rows: int
    digest: str
    """SHA-256 of all rows, in the order of their keys."""


def copy_rows(source: sa.Connection, target: sa.Connection, look: Look = lambda: None) -> dict[str, TableSum]:
    """Into tables that are empty, in transactions of the caller's; what `target` then has, by table.

    Each sees one moment. Raises ServiceException where `target` has not what `source` had, and what `look` raises.
    """
    read: dict[str, TableSum] = {}
    for table in _tables():
        digest, count = hashlib.sha256(), 0
        later = _own_references(table)
        for rows in _read(source, table, look):
            count += len(rows)
            _add(digest, rows)
            names = table.c.keys()
            values = [dict(zip(names, row, strict=True)) for row in rows]
            target.execute(table.insert(), [{**row, **dict.fromkeys(later)} for row in values])
        read[table.name] = TableSum(count, digest.hexdigest())
        for name in later:
            _refer(source, target, table, name, look)
        _count_on(source, target, table)
    written = sums(target, look)
    for name, found in read.items():
        if written[name] != found:
            raise ServiceException(
                f"The table {name} is not the same in the copy: {found.rows:,} rows were read and "
                f"{written[name].rows:,} are there, with another digest. Nothing of the copy is used. Try again; if it "
                "fails the same way, the database that was read is damaged (`faena doctor`)."
            )
    return written


def sums(connection: sa.Connection, look: Look = lambda: None) -> dict[str, TableSum]:
    """Of each table."""
    found: dict[str, TableSum] = {}
    for table in _tables():
        digest, count = hashlib.sha256(), 0
        for rows in _read(connection, table, look):
            count += len(rows)
            _add(digest, rows)
        found[table.name] = TableSum(count, digest.hexdigest())
    return found


def _tables() -> list[sa.Table]:
    """Those that others refer to come first. The schema's version is that of whoever made the tables."""
    return [table for table in metadata.sorted_tables if table is not version and table.info != OF_PLACE]


def _read(connection: sa.Connection, table: sa.Table, look: Look) -> Iterator[list[Sequence[Any]]]:
    statement = table.select().order_by(*table.primary_key)
    with connection.execute(statement, execution_options=_STREAMED) as found:
        for part in found.partitions():
            look()
            yield [[_portable(value) for value in row] for row in part]


def _portable(value: Any) -> Any:
    """As either kind of database keeps it: no SQLite knows NaN, no PostgreSQL half a character."""
    if isinstance(value, str):
        return clean(value)
    return None if isinstance(value, float) and value != value else value


def _add(digest: Any, rows: list[Sequence[Any]]) -> None:
    for row in rows:
        digest.update(msgspec.msgpack.encode(row))


def _own_references(table: sa.Table) -> list[str]:
    """Columns that refer to rows of the same table, which may come later."""
    return [key.parent.name for key in table.foreign_keys if key.column.table is table]


def _refer(source: sa.Connection, target: sa.Connection, table: sa.Table, name: str, look: Look) -> None:
    keys = list(table.primary_key)
    column = table.c[name]
    statement = sa.select(*keys, column).where(column.is_not(None)).order_by(*keys)
    change = table.update().values({name: sa.bindparam("referred")})
    for number, key in enumerate(keys):
        change = change.where(key == sa.bindparam(f"key{number}"))
    with source.execute(statement, execution_options=_STREAMED) as found:
        for part in found.partitions():
            look()
            target.execute(
                change,
                [
                    {"referred": row[-1], **{f"key{place}": value for place, value in enumerate(row[:-1])}}
                    for row in part
                ],
            )


def _count_on(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    """Numbers that were given once are never given again, also where their rows are gone."""
    if (column := table.autoincrement_column) is None:
        return
    last = int(source.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one())
    if (counted := _last(source, table, column)) is not None:
        last = max(last, counted)
    if not last:
        return
    if target.dialect.name == POSTGRESQL:
        target.execute(sa.select(sa.func.setval(sa.literal(_sequence(target, table, column)), last)))
    elif _counts_in_sqlite(table):
        counted_by = _COUNTERS.c
        target.execute(_COUNTERS.delete().where(counted_by.name == table.name))
        target.execute(_COUNTERS.insert().values(name=table.name, seq=last))


def _last(connection: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> int | None:
    if connection.dialect.name == POSTGRESQL:
        name = _sequence(connection, table, column)
        row = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {name}").one()
        return int(row[0]) if row[1] else None
    if not _counts_in_sqlite(table):
        return None
    found = connection.execute(sa.select(_COUNTERS.c.seq).where(_COUNTERS.c.name == table.name)).scalar()
    return None if found is None else int(found)


_COUNTERS = sa.table("sqlite_sequence", sa.column("name", sa.Text), sa.column("seq", sa.Integer))


def _counts_in_sqlite(table: sa.Table) -> bool:
    return bool(table.dialect_kwargs.get("sqlite_autoincrement"))


def _sequence(connection: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> str:
    """Quoted, where it has to be."""
    asked = sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))
    return str(connection.execute(asked).scalar_one())
