"""The SQLite database, by the contract and beyond it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from faena.db import Database, Write
from faena.db.calling import call_all
from faena.db.schema import SCHEMA_VERSION
from faena.kernel.errors import StorageFull, WorkspaceException
from faena.kernel.hooks import Hooks
from faena.testing.database import DatabaseContract, notes
from tests.databases import Databases


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Database:
    return databases.open(tmp_path / "faena.db")


class TestBothKinds(DatabaseContract):
    pass


def test_acknowledged_writes_are_there_after_reopening(tmp_path: Path) -> None:
    first = Database(tmp_path / "faena.db")
    first.submit_write(lambda write: write.execute(notes.insert().values(text="kept"))).result()
    first.close()
    second = Database(tmp_path / "faena.db")
    found = second.submit_read(lambda read: read.execute(notes.select()).all()).result()
    second.close()
    assert [row.text for row in found] == ["kept"]


@pytest.mark.parametrize("name", ["we?ird", "a#b", "100%25", "file:x?mode=memory"])
def test_the_file_lies_where_it_was_said(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for _ in range(2):  # made, then opened with what an upgrade looks at
        Database(folder / "faena.db").close()
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert {each.name for each in folder.iterdir()} == {"commits-of-faena.db", "faena.db"}


def test_a_database_of_a_newer_faena_is_refused_naming_both_versions(tmp_path: Path) -> None:
    Database(tmp_path / "faena.db").close()
    with sqlite3.connect(tmp_path / "faena.db") as connection:
        connection.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION + 1,))
    connection.close()
    with pytest.raises(WorkspaceException, match=rf"{SCHEMA_VERSION + 1}.*{SCHEMA_VERSION}"):
        Database(tmp_path / "faena.db")


def test_topics_ring_after_the_commit_and_only_then(tmp_path: Path) -> None:
    rung: list[set[str]] = []
    database = Database(tmp_path / "faena.db", on_commit=rung.append)

    def ring(write: Write) -> None:
        write.notify("a")
        assert rung == []

    def ring_and_fail(write: Write) -> None:
        write.notify("b")
        raise ValueError("no")

    database.submit_write(ring).result()
    with pytest.raises(ValueError, match="no"):
        database.submit_write(ring_and_fail).result()
    database.close()
    assert rung == [{"a"}]


def _limit(write: Write) -> None:
    """Have the next pages of the database be its last."""
    pages = write.execute(sa.text("PRAGMA page_count")).scalar_one()
    write.execute(sa.text(f"PRAGMA max_page_count={pages + 2}"))


def _fill(write: Write) -> None:
    write.execute(notes.insert().values(text="x" * 1_000_000))


def test_a_full_disk_is_an_error_that_says_so_and_the_next_write_works(tmp_path: Path) -> None:
    database = Database(tmp_path / "faena.db")
    database.submit_write(_limit).result()
    with pytest.raises(StorageFull, match="full"):
        database.submit_write(_fill).result()
    database.submit_write(lambda write: write.execute(sa.text("PRAGMA max_page_count=1000000"))).result()
    database.submit_write(_fill).result()
    database.close()


def test_a_full_disk_takes_back_all_of_a_transaction_also_where_a_part_was_apart(tmp_path: Path) -> None:
    """SQLite has no transaction any more then: what a hook's failure let go on would be kept by itself."""
    database = Database(tmp_path / "faena.db")
    hooks: Hooks[[Write], None] = Hooks()
    hooks.add(_fill)

    def work(write: Write) -> None:
        write.execute(notes.insert().values(text="before"))
        call_all(hooks, write)
        write.execute(notes.insert().values(text="after"))

    database.submit_write(_limit).result()
    with pytest.raises(StorageFull, match="full"):
        database.submit_write(work).result()
    assert database.submit_read(lambda read: read.execute(notes.select()).all()).result() == []
    database.close()


def test_a_full_disk_is_told_to_all_who_were_written_together(tmp_path: Path) -> None:
    database = Database(tmp_path / "faena.db")
    database.submit_write(_limit).result()
    started, gate = threading.Event(), threading.Event()

    def hold(_: Write) -> None:
        started.set()
        gate.wait(60)

    def add(write: Write) -> None:
        write.execute(notes.insert().values(text="small"))

    first = database.submit_write(hold)
    started.wait(60)
    others = [database.submit_write(add), database.submit_write(_fill)]  # one group, as the writer is held
    gate.set()
    first.result()
    for other in others:
        with pytest.raises(StorageFull, match="full"):
            other.result()
    assert database.submit_read(lambda read: read.execute(notes.select()).all()).result() == []
    database.close()
