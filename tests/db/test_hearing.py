"""What one server commits, the others with its database of PostgreSQL hear, and which of them leads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from faena.db import Database, Write, leading
from faena.db.hearing import Hearing
from faena.kernel.errors import WriterStopped
from faena.kernel.notifications import ALL
from faena.testing.database import notes
from faena.testing.postgresql import Server

pytestmark = pytest.mark.postgresql
SOON = 20.0


class Heard:
    def __init__(self) -> None:
        self._come = threading.Condition()
        self.topics: list[str] = []

    def __call__(self, topics: set[str]) -> None:
        with self._come:
            self.topics += sorted(topics)
            self._come.notify_all()

    def has(self, is_so: Callable[[list[str]], bool]) -> bool:
        with self._come:
            return self._come.wait_for(lambda: is_so(self.topics), SOON)


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database() as made:
        yield made


class Pair:
    def __init__(self, url: str) -> None:
        self.heard = Heard(), Heard()
        self.one, self.other = (Database(url, readers=1, on_commit=heard) for heard in self.heard)

    def close(self) -> None:
        self.one.close()
        self.other.close()


@pytest.fixture
def pair(url: str) -> Iterator[Pair]:
    made = Pair(url)
    yield made
    made.close()


def notify(*topics: str) -> Callable[[Write], None]:
    def work(write: Write) -> None:
        for topic in topics:
            write.notify(topic)

    return work


class TestTopics:
    def test_of_a_commit_are_heard_by_both_each_once(self, pair: Pair) -> None:
        pair.one.submit_write(notify("a", "b")).result(SOON)
        pair.other.submit_write(notify("c")).result(SOON)
        for heard in pair.heard:
            assert heard.has(lambda topics: "c" in topics and "b" in topics)
            assert sorted(heard.topics) == ["a", "b", "c"]

    def test_of_what_failed_are_heard_by_nobody(self, pair: Pair) -> None:
        def fail(write: Write) -> None:
            write.notify("never")
            raise ValueError("as a test wants")

        with pytest.raises(ValueError, match="as a test wants"):
            pair.one.submit_write(fail).result(SOON)
        pair.one.submit_write(notify("a")).result(SOON)
        assert pair.heard[1].has(bool)
        assert pair.heard[1].topics == ["a"]

    def test_are_all_where_the_connection_was_lost(self, pair: Pair) -> None:
        def end_listeners(write: Write) -> None:
            found = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            write.execute(sa.text(f"{found} AND datname = current_database()"))
            write.notify("a")

        pair.one.submit_write(end_listeners).result(SOON)
        assert pair.heard[1].has(lambda topics: ALL in topics)
        at = len(pair.heard[1].topics)
        pair.one.submit_write(notify("b")).result(SOON)
        assert pair.heard[1].has(lambda topics: bool({"b", ALL} & set(topics[at:])))

    @pytest.mark.parametrize(
        ("topics", "messages"),
        [
            ({"a", "b"}, [["a", "b"]]),
            ({"x" * 3000, "y" * 3000, "z" * 3000}, [["x" * 3000, "y" * 3000], ["z" * 3000]]),
            ({"x" * 9000}, [[ALL]]),
            ({"two\nlines"}, [[ALL]]),
            ({f"{number:02}{'x' * 3900}" for number in range(60)}, [[ALL]]),
        ],
    )
    def test_fit_in_messages(self, topics: set[str], messages: list[list[str]]) -> None:
        hearing = Hearing("", None)
        assert [each.split("\n")[1:] for each in hearing.messages(topics)] == messages
        hearing.close()


class TestLeading:
    def test_is_for_one(self, pair: Pair) -> None:
        first, second = pair.one.leading, pair.other.leading
        assert first is not None
        assert second is not None
        assert (first.take(), second.take(), first.holds(), second.holds()) == (True, False, True, True)
        first.close()
        assert (second.take(), first.holds()) == (True, False)
        second.close()

    def test_one_whose_session_was_ended_leads_no_more(self, pair: Pair) -> None:
        first = pair.one.leading
        assert first is not None
        assert first.take()

        def end(write: Write) -> None:
            held = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1634037346"
            write.execute(
                sa.text(
                    f"{held} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )

        pair.other.submit_write(end).result(SOON)
        assert not first.holds()
        assert first.take()
        first.close()

    def test_a_transaction_that_ends_while_its_server_begins_to_lead_counts(self, pair: Pair) -> None:
        """It asked for no number, and is not refused for having none."""

        def add(write: Write) -> None:
            write.execute(notes.insert().values(text="x"))
            event.listen(write.connection, "after_cursor_execute", lambda *_: pair.one.lead(1), once=True)

        pair.one.submit_write(add).result(SOON)
        assert pair.one.stopped is None

    def test_one_that_another_came_after_writes_nothing(self, pair: Pair) -> None:
        def lead(database: Database) -> None:
            database.lead(
                database.submit_write(lambda write: leading.take_number(write.connection)).result(SOON)
            )

        def add(write: Write) -> None:
            write.execute(notes.insert().values(text="x"))

        lead(pair.one)
        pair.one.submit_write(add).result(SOON)
        lead(pair.other)
        with pytest.raises(WriterStopped, match="leads now"):
            pair.one.submit_write(add).result(SOON)
        with pytest.raises(WriterStopped):
            pair.one.submit_write(add).result(SOON)
        assert pair.one.stopped is not None
        pair.other.submit_write(add).result(SOON)
        found = pair.other.submit_read(lambda read: list(read.execute(notes.select()))).result(SOON)
        assert len(found) == 2
