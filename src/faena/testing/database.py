"""The contract of `faena.db.Database`: inherit and give the fixture `database` and the table `notes`."""

from __future__ import annotations

import threading
from functools import partial

import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write, metadata

notes = sa.Table(
    "contract_notes", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text)
)
"""A table of the suite's own; import this module before the database is made."""


def _add(write: Write, text: str) -> int:
    return int(write.execute(notes.insert().values(text=text).returning(notes.c.id)).scalar_one())


def _texts(read: Read) -> list[str]:
    return [row.text for row in read.execute(notes.select().order_by(notes.c.id))]


class DatabaseContract:
    def test_what_was_written_is_read_at_once(self, database: Database) -> None:
        database.submit_write(lambda write: _add(write, "a")).result()
        assert database.submit_read(_texts).result() == ["a"]

    def test_a_write_that_fails_leaves_nothing_and_says_why(self, database: Database) -> None:
        def fail(write: Write) -> None:
            _add(write, "half")
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            database.submit_write(fail).result()
        assert database.submit_read(_texts).result() == []

    def test_a_failing_write_takes_none_of_its_neighbours_with_it(self, database: Database) -> None:
        gate = threading.Event()

        def wait(write: Write) -> None:
            gate.wait(10)

        def fail(write: Write) -> None:
            _add(write, "half")
            raise ValueError("no")

        first = database.submit_write(wait)  # holds the writer, so that the next three are one group
        good = database.submit_write(lambda write: _add(write, "a"))
        bad = database.submit_write(fail)
        also_good = database.submit_write(lambda write: _add(write, "b"))
        gate.set()
        first.result()
        good.result()
        also_good.result()
        with pytest.raises(ValueError, match="no"):
            bad.result()
        assert database.submit_read(_texts).result() == ["a", "b"]

    def test_a_read_cannot_write(self, database: Database) -> None:
        with pytest.raises(sa.exc.DBAPIError):
            database.submit_read(lambda read: read.execute(notes.insert().values(text="x"))).result()

    def test_a_read_sees_one_moment(self, database: Database) -> None:
        started, written = threading.Event(), threading.Event()

        def read_twice(read: Read) -> tuple[list[str], list[str]]:
            before = _texts(read)
            started.set()
            written.wait(10)
            return before, _texts(read)

        reading = database.submit_read(read_twice)
        started.wait(10)
        database.submit_write(lambda write: _add(write, "a")).result()
        written.set()
        assert reading.result() == ([], [])

    def test_writes_from_many_threads_are_all_kept_once(self, database: Database) -> None:
        def write_some(start: int) -> None:
            for number in range(start, start + 50):
                database.submit_write(partial(_add, text=str(number))).result()

        threads = [threading.Thread(target=write_some, args=(100 * place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        texts = database.submit_read(_texts).result()
        assert sorted(map(int, texts)) == sorted(start + n for start in (0, 100, 200, 300) for n in range(50))
