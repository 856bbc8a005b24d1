"""A server of PostgreSQL that crashes while a commit is asked for, or whose place a replica takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import psycopg
import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write
from faena.db.postgresql import PostgreSQL
from faena.kernel.errors import WriterStopped
from faena.testing.database import notes
from faena.testing.postgresql import Unavailable
from faena.testing.postgresql_pair import Member, Pair, pair
from faena.testing.waiting import until

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


@pytest.fixture
def servers() -> Iterator[Pair]:
    try:
        with pair() as made:
            made.primary.execute("CREATE DATABASE team")
            yield made
    except Unavailable as error:
        pytest.skip(str(error))


def write(text: str, write: Write) -> None:
    write.execute(notes.insert().values(text=text))


def texts(read: Read) -> list[str]:
    return sorted(read.execute(sa.select(notes.c.text)).scalars())


@pytest.fixture
def before_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something happen once, when all of a transaction has been sent, and its commit has not."""

    def have(happen: Callable[[], None]) -> None:
        due = [happen]
        finish = PostgreSQL.finish

        def finish_and_more(backend: PostgreSQL, connection: sa.Connection, topics: set[str]) -> None:
            finish(backend, connection, topics)
            if due:
                due.pop()()

        monkeypatch.setattr(PostgreSQL, "finish", finish_and_more)

    return have


def test_what_never_came_to_its_disk_is_done_again_though_its_number_is_anothers(
    servers: Pair, before_commit: Callable[[Callable[[], None]], None]
) -> None:
    """PostgreSQL gives the numbers of transactions that it lost with its memory to the next ones."""
    url = servers.url_of_one("team")
    ours, other = Database(url), Database(url)

    def crash() -> None:
        servers.primary.kill()
        servers.primary.start()
        other.submit_write(partial(write, "another's")).result(60)

    try:
        ours.submit_write(partial(write, "before")).result(60)
        before_commit(crash)
        ours.submit_write(partial(write, "in doubt")).result(90)
        assert ours.submit_read(texts).result(60) == ["another's", "before", "in doubt"]
    finally:
        ours.close()
        other.close()


def test_a_replica_that_is_waited_for_takes_its_place_with_all(servers: Pair) -> None:
    servers.replicate(waits=True)
    database = Database(servers.url("team"))
    try:
        database.submit_write(partial(write, "acknowledged")).result(60)
        servers.primary.kill()
        servers.replica.promote()
        database.submit_write(partial(write, "later")).result(90)
        assert database.submit_read(texts).result(60) == ["acknowledged", "later"]
    finally:
        database.close()


def test_a_replica_that_was_not_sent_all_is_told_of(servers: Pair) -> None:
    servers.replicate(waits=False)
    database = Database(servers.url("team"))
    try:
        database.submit_write(partial(write, "both have it")).result(60)
        until(lambda: _texts_at(servers.replica) == ["both have it"], "it is sent", seconds=60)
        servers.replica.kill()
        for number in range(3):
            database.submit_write(partial(write, f"only here {number}")).result(60)
        servers.primary.kill()
        servers.replica.start()
        servers.replica.promote()
        with pytest.raises(WriterStopped, match="lacks the last 3 commits of this process") as told:
            database.submit_write(partial(write, "later")).result(90)
        assert f"127.0.0.1:{servers.primary.port},127.0.0.1:{servers.replica.port}/team" in told.value.message
        assert database.stopped is not None
        assert _texts_at(servers.replica) == ["both have it"]
    finally:
        database.close()


def _texts_at(member: Member) -> list[str]:
    """What a member has; nothing where it was not sent the table yet."""
    with suppress(psycopg.errors.UndefinedTable):
        return [row[0] for row in member.execute("SELECT text FROM contract_notes", "team")]
    return []
