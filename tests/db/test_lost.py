"""A database that was there is never made anew: what is missing, empty or older than it was is refused."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from faena.backups.accepted_loss import accept_database
from faena.db import Database
from faena.kernel import commit_record
from faena.kernel.commit_record import LARGEST, CommitRecord, Recorded
from faena.kernel.errors import DatabaseDamaged, WorkspaceException
from faena.testing.database import notes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a database that has lived."""
    path = tmp_path / "faena.db"
    database = Database(path)
    write(database, "kept")
    database.close()
    return path


def write(database: Database, text: str) -> None:
    database.submit_write(lambda write: write.execute(notes.insert().values(text=text))).result()


def texts(path: Path) -> list[str]:
    database = Database(path)
    try:
        rows = database.submit_read(lambda read: read.execute(notes.select()).all()).result()
        return [row.text for row in rows]
    finally:
        database.close()


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def without_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("DROP TABLE t")


def of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (a)")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (missing, r"is missing, and the workspace has lived: commits-of-faena\.db tells of it"),
        (empty, "is empty, and the workspace has lived"),
        (without_tables, "is without any table, and the workspace has lived"),
        (of_another_program, "another program's database: it has the tables songs"),
    ],
)
def test_what_was_there_is_not_made_anew(path: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(path)
    before = path.read_bytes() if path.exists() else None
    for _ in range(2):  # being refused changes nothing
        with pytest.raises(DatabaseDamaged, match=said):
            Database(path)
    assert (path.read_bytes() if path.exists() else None) == before


def test_other_traces_count_where_there_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(DatabaseDamaged, match="the workspace has lived: its folder has objects/"):
        Database(tmp_path / "faena.db", traces="objects/")
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_a_time_without_records_goes_on_and_gets_one(path: Path) -> None:
    commit_record.place_of(path).unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=0")
    assert texts(path) == ["kept"]
    path.unlink()
    with pytest.raises(DatabaseDamaged):
        Database(path)


def test_a_first_start_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "faena.db"
    path.touch()
    Database(path).close()
    other = tmp_path / "other.db"
    without = sqlite3.connect(other)
    without.execute("PRAGMA journal_mode=WAL")
    without.close()
    assert texts(other) == []


def test_a_write_ahead_log_that_was_removed_is_missed(path: Path, tmp_path: Path) -> None:
    """As after a kill: the log holds what was acknowledged last."""
    killed = tmp_path / "killed"
    killed.mkdir()
    database = Database(path)
    try:
        for number in range(3):
            write(database, f"acknowledged {number}")
        for each in (path, path.with_name("faena.db-wal"), commit_record.place_of(path)):
            shutil.copy(each, killed / each.name)
    finally:
        database.close()
    whole = tmp_path / "whole"
    shutil.copytree(killed, whole)
    (killed / "faena.db-wal").unlink()
    with pytest.raises(DatabaseDamaged, match=r"lacks the last 3 changes .* faena\.db-wal was removed"):
        Database(killed / "faena.db")
    assert texts(whole / "faena.db") == ["kept", *(f"acknowledged {number}" for number in range(3))]


def test_a_log_that_another_program_has_taken_into_the_database_is_not_missed(
    path: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    database = Database(path)
    try:
        write(database, "later")
        for each in (path, path.with_name("faena.db-wal"), commit_record.place_of(path)):
            shutil.copy(each, killed / each.name)
    finally:
        database.close()
    with closing(sqlite3.connect(killed / "faena.db")) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    assert not (killed / "faena.db-wal").exists()
    assert texts(killed / "faena.db") == ["kept", "later"]


def test_an_older_copy_is_taken_on_somebodys_word_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = path.read_bytes()
    database = Database(path)
    write(database, "later")
    database.close()
    path.write_bytes(older)
    with pytest.raises(DatabaseDamaged, match=r"lacks the last change .* or an older copy"):
        Database(path)
    runtime = path.parent / "rt"
    monkeypatch.setenv("FAENA_RUNTIME", str(runtime))
    assert accept_database(path.parent) == 1
    assert texts(path) == ["kept"]
    path.write_bytes(b"nothing that could be taken")
    with pytest.raises(WorkspaceException, match="is no whole database"):
        accept_database(path.parent)


def test_what_changes_nothing_counts_nothing(path: Path) -> None:
    """Such a transaction costs no write to the disk, and must not."""
    database = Database(path)
    counted = commit_record.read(path)
    assert counted is not None
    database.submit_write(lambda write: write.execute(notes.select()).all()).result()
    with pytest.raises(ZeroDivisionError):
        database.submit_write(lambda write: 1 / 0).result()
    assert commit_record.read(path) == counted
    write(database, "one")
    assert commit_record.read(path) == Recorded(counted.commits + 1, suspect=False)
    database.close()


def test_the_count_goes_round(tmp_path: Path) -> None:
    path = tmp_path / "faena.db"
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={LARGEST}")
    CommitRecord(path, LARGEST).close()
    database = Database(path)
    write(database, "first of the next round")
    database.close()
    assert commit_record.read(path) == Recorded(0, suspect=False)
    assert texts(path) == ["first of the next round"]
    assert commit_record.lacking(LARGEST, Recorded(0, suspect=False)) == 1
    assert commit_record.lacking(0, Recorded(LARGEST, suspect=False)) == 0


def test_a_record_that_is_damaged_still_tells_of_a_database(path: Path) -> None:
    commit_record.place_of(path).write_bytes(b"")
    assert texts(path) == ["kept"], "a whole database needs no record"
    commit_record.place_of(path).write_bytes(b"")
    path.unlink()
    with pytest.raises(DatabaseDamaged, match="is missing"):
        Database(path)


def test_a_database_in_which_damage_was_met_is_checked_as_a_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faena.db.checking.SMALL", 0)
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'experiments'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)
    database = Database(path)
    with pytest.raises(DatabaseDamaged, match="is damaged"):
        database.submit_read(
            lambda read: read.connection.exec_driver_sql("SELECT * FROM experiments").all()
        ).result()
    assert database.damage is not None
    database.close()
    with pytest.raises(DatabaseDamaged, match="is damaged"):
        Database(path)


def test_one_that_is_removed_while_it_is_open_is_missed(path: Path) -> None:
    database = Database(path)
    assert database.look() is None
    path.unlink()
    found = database.look()
    database.close()
    assert found is not None
    assert "was removed or replaced while the server had it open" in found.message


@pytest.mark.parametrize("name", ["faena.db-wal", "faena.db-shm"])
def test_whoever_loses_the_log_leaves_and_brings_what_was_acknowledged_home(path: Path, name: str) -> None:
    database = Database(path)
    write(database, "before")
    before = database.look(), database.stopped
    assert before == (None, None)
    path.with_name(name).unlink()
    write(database, "into a log without a name")
    assert database.look() is None
    assert database.stopped is not None and name in database.stopped.message
    database.close()
    assert texts(path) == ["kept", "before", "into a log without a name"]


def test_a_record_that_was_removed_while_it_was_kept_is_made_again(path: Path) -> None:
    database = Database(path)
    write(database, "before")
    commit_record.place_of(path).unlink()
    database.look()
    write(database, "after")
    found = commit_record.read(path)
    database.close()
    assert database.stopped is None
    assert found is not None and found.commits == 3  # with the one before
    path.unlink()
    with pytest.raises(DatabaseDamaged):
        Database(path)


def test_who_suspects_damage_has_the_next_one_check(path: Path) -> None:
    database = Database(path)
    database.suspect()
    assert database.stopped is not None
    database.close()
    found = commit_record.read(path)
    assert found is not None and found.suspect
    assert texts(path) == ["kept"]
