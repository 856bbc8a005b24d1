"""Nobody waits for ever: neither behind a slow read, nor for a writer that has come to grief."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write
from faena.db.sqlite import Sqlite
from faena.kernel.errors import QueryTimedOut, WriterStopped
from faena.testing.database import notes

ENDLESS = sa.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "faena.db", read_limit=0.5)
    yield opened
    opened.close()


def count(read: Read) -> int:
    return int(read.execute(sa.select(sa.func.count()).select_from(notes)).scalar_one())


def add(write: Write) -> None:
    write.execute(notes.insert().values(text="x"))


class TestSlowReads:
    def test_one_that_does_not_end_is_an_error_that_says_so(self, database: Database) -> None:
        began = time.monotonic()
        with pytest.raises(QueryTimedOut, match=r"0\.5 s.*FAENA_READ_SECONDS"):
            database.submit_read(lambda read: read.execute(ENDLESS).all()).result(60)
        assert time.monotonic() - began < 50
        assert [database.submit_read(count).result(60) for _ in range(4)] == [0] * 4, "the readers go on"

    def test_so_is_one_of_many_quick_statements(self, database: Database) -> None:
        def ask_again_and_again(read: Read) -> None:
            while True:
                count(read)

        with pytest.raises(QueryTimedOut):
            database.submit_read(ask_again_and_again).result(60)

    def test_it_interrupts_no_later_read_on_its_connection(self, database: Database) -> None:
        for _ in range(2):
            with pytest.raises(QueryTimedOut):
                database.look_up(lambda read: read.execute(ENDLESS).all())
            assert database.look_up(count) == 0

    def test_what_may_take_long_is_let(self, database: Database) -> None:
        def take_long(read: Read) -> int:
            until = time.monotonic() + 0.7
            while time.monotonic() < until:
                found = count(read)
            return found

        assert database.submit_read(take_long, unlimited=True).result(60) == 0

    def test_what_keeps_runs_going_does_not_wait_behind_them(self, database: Database) -> None:
        release = threading.Event()
        held = [database.submit_read(lambda _: release.wait(60)) for _ in range(8)]

        async def ask() -> int:
            return await asyncio.wait_for(database.read_first(count), 60)

        assert asyncio.run(ask()) == 0
        assert not any(each.done() for each in held)
        release.set()


class TestWriterThatFails:
    def failing(self, database: Database, patch: pytest.MonkeyPatch, times: int) -> Callable[[int], None]:
        """Have the next commits fail after they are on disk, by what is no error of the database."""
        counted = cast(Sqlite, database._backend).counted
        good, left = counted.acknowledge, [times]

        def acknowledge(commits: int) -> None:
            if left[0]:
                left[0] -= 1
                raise ZeroDivisionError("nobody foresaw this")
            good(commits)

        patch.setattr(counted, "acknowledge", acknowledge)
        return acknowledge

    def test_fails_the_group_and_goes_on(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failing(database, monkeypatch, 1)
        with pytest.raises(ZeroDivisionError):
            database.submit_write(add).result(60)
        database.submit_write(add).result(60)
        assert database.stopped is None

    def test_that_cannot_go_on_says_so_to_all_who_wait_and_who_come_later(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.failing(database, monkeypatch, 10**6)
        met = [type(each.exception(60)) for each in [database.submit_write(add) for _ in range(600)]]
        while met[-1] is ZeroDivisionError:
            met.append(type(database.submit_write(add).exception(60)))
        assert len(met) < 610 and set(met) == {ZeroDivisionError, WriterStopped}
        with pytest.raises(WriterStopped, match="nobody foresaw this"):
            database.submit_write(add).result(60)
        assert database.stopped is not None
        assert database.submit_read(count).result(60) > 0, "reading goes on"

    def test_in_telling_what_was_committed_loses_nothing(self, tmp_path: Path) -> None:
        def tell(topics: set[str]) -> None:
            raise ZeroDivisionError(f"{topics} nobody can be told")

        database = Database(tmp_path / "told.db", on_commit=tell)

        def add_and_ring(write: Write) -> None:
            add(write)
            write.notify("a")

        try:
            for _ in range(5):
                database.submit_write(add_and_ring).result(60)
            assert database.submit_read(count).result(60) == 5
        finally:
            database.close()
