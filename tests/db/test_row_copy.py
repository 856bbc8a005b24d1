"""All rows go from one kind of database to the other and back, and are the same there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faena.db import BigInteger, Database, Integer, Write, metadata
from faena.db.row_copy import TableSum, copy_rows, sums
from faena.db.schema import OF_PLACE, version
from faena.kernel.errors import ServiceException
from faena.testing.postgresql import Server
from faena.tidying.store.deletions import deletions
from faena.workspaces.store import experiments
from tests.databases import Databases

ROWS = 3
TEXTS = ("plain", "ä € 𝄞", "a\nb'; --")
NUMBERS = (0, 2**63 - 1, -(2**63))
REALS = (-0.0, 1e-300, float("inf"))
BYTES = (b"", b"\x00\xff", b"x" * 3000)


def rows_of(table: sa.Table) -> list[dict[str, Any]]:
    """A few, whose keys differ, and which refer to the same ones of other tables."""
    return [{column.name: value(column, number) for column in table.c} for number in range(ROWS)]


def value(column: sa.Column[Any], number: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        # of the same table a later one: it is not there yet when this row comes
        return value(key.column, (number + 1) % ROWS if key.column.table is column.table else number)
    kind, is_key = column.type, column.primary_key or any_unique(column)
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, sa.LargeBinary):
        return BYTES[number]
    if isinstance(kind, (sa.Double, sa.Float)):
        return REALS[number]
    if isinstance(kind, (Integer, BigInteger)):
        return number + 1 if is_key else NUMBERS[number]
    text = TEXTS[number][: getattr(kind, "length", None) or 100]
    return text if is_key or column.nullable is False or number else None


def any_unique(column: sa.Column[Any]) -> bool:
    return any(column.name in index.columns for index in column.table.indexes if index.unique)


def fill(write: Write) -> None:
    for table in metadata.sorted_tables:
        if table is version or table.info == OF_PLACE:
            continue
        rows = rows_of(table)
        own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
        write.execute(table.insert(), [{**row, **dict.fromkeys(own)} for row in rows])
        for name in own:
            key = next(iter(table.primary_key))
            for row in rows:
                write.execute(table.update().where(key == row[key.name]).values({name: row[name]}))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    with Databases(None) as made:
        yield made.open(tmp_path / "one.db")


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Database]:
    with Databases(None) as made:
        yield made.open(tmp_path / "other.db")


@pytest.fixture
def postgresql(postgresql_server: Server, tmp_path: Path) -> Iterator[Database]:
    with Databases(postgresql_server) as made:
        yield made.open(tmp_path / "none")


def copy(source: Database, target: Database) -> dict[str, TableSum]:
    return source.submit_read(
        lambda read: target.submit_write(lambda write: copy_rows(read.connection, write.connection)).result(
            60
        )
    ).result(60)


def summed(database: Database) -> dict[str, TableSum]:
    return database.submit_read(lambda read: sums(read.connection)).result(60)


@pytest.mark.long
@pytest.mark.postgresql
def test_each_row_of_each_table_comes_over_and_back(
    sqlite: Database, postgresql: Database, another: Database
) -> None:
    sqlite.submit_write(fill).result(60)
    before = summed(sqlite)
    assert {found.rows for found in before.values()} == {ROWS}
    assert copy(sqlite, postgresql) == before
    assert copy(postgresql, another) == before == summed(another)


@pytest.mark.long
@pytest.mark.postgresql
def test_numbers_that_were_given_once_are_not_given_again(
    sqlite: Database, postgresql: Database, another: Database
) -> None:
    def number(write: Write) -> int:
        made = write.execute(deletions.insert().values(at=1, user="", what="", size=0))
        assert made.inserted_primary_key is not None
        return int(made.inserted_primary_key[0])

    last = max(sqlite.submit_write(number).result(60) for _ in range(5))
    sqlite.submit_write(lambda write: write.execute(deletions.delete())).result(60)
    copy(sqlite, postgresql)
    assert postgresql.submit_write(number).result(60) == last + 1
    copy(postgresql, another)
    assert another.submit_write(number).result(60) == last + 2


@pytest.mark.long
@pytest.mark.postgresql
def test_what_no_database_keeps_is_the_same_on_both(
    sqlite: Database, postgresql: Database, another: Database
) -> None:
    """An earlier Faena wrote texts with a NUL to SQLite."""

    def old(write: Write) -> None:
        sql = "INSERT INTO experiments (name, created_at, runs, served, id) VALUES (?, 1, 0, 0, 1)"
        write.connection.exec_driver_sql(sql, ("a\0b",))

    sqlite.submit_write(old).result(60)
    copy(sqlite, postgresql)
    names = postgresql.submit_read(lambda read: read.execute(sa.select(experiments.c.name)).scalars().all())
    assert names.result(60) == ["a\ufffdb"]
    copy(postgresql, another)


@pytest.mark.long
def test_a_copy_that_is_not_the_same_is_refused(sqlite: Database, another: Database) -> None:
    sqlite.submit_write(fill).result(60)

    def changed(write: Write) -> None:
        write.connection.exec_driver_sql(
            "CREATE TRIGGER t AFTER INSERT ON objects BEGIN UPDATE objects SET size = 5; END"
        )

    another.submit_write(changed).result(60)
    with pytest.raises(ServiceException, match="The table objects is not the same in the copy: 3 rows"):
        copy(sqlite, another)
    assert {found.rows for found in summed(another).values()} == {0}


def test_a_copy_ends_when_it_is_told_to(sqlite: Database, another: Database) -> None:
    sqlite.submit_write(fill).result(60)

    def end() -> None:
        raise ServiceException("enough")

    with pytest.raises(ServiceException, match="enough"):
        sqlite.submit_read(
            lambda read: another.submit_write(
                lambda write: copy_rows(read.connection, write.connection, end)
            ).result(60)
        ).result(60)
    assert {found.rows for found in summed(another).values()} == {0}
