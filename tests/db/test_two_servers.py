"""Two servers with one database of PostgreSQL: what each gives out is its own, and what comes between passes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from faena.data.datasets import service as datasets
from faena.data.datasets.schemas import DatasetRequest, Source
from faena.db import Database, Read, Write, upsert
from faena.db.postgresql import PostgreSQL
from faena.db.postgresql_engines import configure
from faena.db.schema import SCHEMA_VERSION
from faena.environments import registry
from faena.environments.schemas import EnvironmentDefinition, EnvironmentRequest
from faena.kernel.errors import ServiceException, WorkspaceException
from faena.models import service as models
from faena.models.model import Framework, ModelFile, ModelVersion
from faena.objects import store as objects
from faena.testing.database import notes
from faena.testing.postgresql import Server
from faena.tidying.store import deletions
from faena.workspaces import store as workspaces

pytestmark = pytest.mark.postgresql
EACH = 15


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database() as made:
        yield made


@pytest.fixture
def servers(url: str) -> Iterator[list[Database]]:
    opened = [Database(url), Database(url)]
    yield opened
    for each in opened:
        each.close()


def texts(database: Database) -> list[str]:
    def read(read: Read) -> list[str]:
        return sorted(read.execute(sa.select(notes.c.text)).scalars())

    return database.submit_read(read).result(60)


def add(write: Write, text: str) -> None:
    write.execute(notes.insert().values(text=text))


def fail_once(state: str) -> Callable[[Write, str], None]:
    """Adds a text, and the first time meets an error of the database after that."""
    met: list[str] = []

    def work(write: Write, text: str) -> None:
        add(write, text)
        if not met:
            met.append(state)
            write.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))

    return work


def kill(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


class TestNumbers:
    """Each is given out once, and none is left out."""

    def given(self, servers: list[Database], give: Callable[[Write, int], int]) -> Counter[int]:
        """What two servers give to two callers each, at once."""
        begin = threading.Barrier(4)

        def ask(caller: int) -> list[int]:
            begin.wait(60)
            asked = range(caller * EACH, caller * EACH + EACH)
            database = servers[caller % 2]
            return [database.submit_write(lambda write: give(write, place)).result(60) for place in asked]  # noqa: B023  at once

        with ThreadPoolExecutor(4) as callers:
            return Counter(number for numbers in callers.map(ask, range(4)) for number in numbers)

    def test_of_runs(self, servers: list[Database]) -> None:
        servers[0].submit_write(lambda write: workspaces.create_experiment(write, "e", 1)).result(60)
        found = self.given(servers, lambda write, place: workspaces.next_run_number(write, "e"))
        assert found == Counter(range(1, 4 * EACH + 1))

    @pytest.mark.long
    def test_of_models(self, servers: list[Database]) -> None:
        def give(write: Write, place: int) -> int:
            made = ModelVersion(
                name="net",
                version=0,
                run_id=None,
                path="",
                created_at=1,
                description="",
                tags={},
                properties={},
                framework=Framework("", ""),
                datasets=(),
                files=(ModelFile("a", "a" * 64, 1), ModelFile("b", f"{place:064x}", 1)),
            )
            return models.add(write, made, f"request-{place}").version

        assert self.given(servers, give) == Counter(range(1, 4 * EACH + 1))

    def test_of_data_sets(self, servers: list[Database]) -> None:
        def give(write: Write, place: int) -> int:
            sources = (Source(datastore="workspaceblobstore", path=f"p{place}"),)
            asked = DatasetRequest(sources=sources, name="d", create_new_version=True)
            return datasets.put(write, f"ds-{place:016x}", asked, 1).version or 0

        assert self.given(servers, give) == Counter(range(1, 4 * EACH + 1))

    def test_of_environments(self, servers: list[Database]) -> None:
        def give(write: Write, place: int) -> int:
            request = EnvironmentRequest(packages=(f"six=={place}",))
            return registry.register(write, "e", EnvironmentDefinition(request=request), 1).version

        assert self.given(servers, give) == Counter(range(1, 4 * EACH + 1))

    def test_of_deletions(self, servers: list[Database]) -> None:
        found = self.given(servers, lambda write, place: deletions.add(write, 1, ""))
        assert len(found) == 4 * EACH and set(found.values()) == {1}

    def test_a_request_that_both_get_has_one_effect(self, servers: list[Database]) -> None:
        """As when a client that got no answer asks another server."""
        begin = threading.Barrier(2)

        def ask(database: Database) -> list[int]:
            begin.wait(60)
            sources = (Source(datastore="workspaceblobstore", path="p"),)
            return [
                database.submit_write(
                    lambda write: datasets.put(write, "ds-" + "0" * 16, DatasetRequest(sources, "d"), 1)
                )
                .result(60)
                .version
                or 0
                for _ in range(EACH)
            ]

        with ThreadPoolExecutor(2) as callers:
            assert {number for numbers in callers.map(ask, servers) for number in numbers} == {1}


class TestWhatPasses:
    @pytest.mark.parametrize("state", ["40001", "40P01"])
    def test_the_transaction_is_done_again(self, servers: list[Database], state: str) -> None:
        work = fail_once(state)
        servers[0].submit_write(lambda write: work(write, "a")).result(60)
        assert texts(servers[1]) == ["a"]

    def test_so_is_its_group_each_once(self, servers: list[Database]) -> None:
        gate = threading.Event()
        held = servers[0].submit_write(lambda _: gate.wait(60))
        fail = fail_once("40P01")
        works: list[Callable[[Write], None]] = [
            partial(add, text="a"),
            lambda write: fail(write, "b"),
            partial(add, text="c"),
        ]
        waiting = [servers[0].submit_write(each) for each in works]
        gate.set()
        held.result(60)
        for each in waiting:
            each.result(60)
        assert texts(servers[0]) == ["a", "b", "c"]

    def test_what_does_not_pass_is_told(self, servers: list[Database]) -> None:
        def always(write: Write) -> None:
            fail_once("40001")(write, "a")

        with pytest.raises(sa.exc.DBAPIError):
            servers[0].submit_write(always).result(60)
        assert texts(servers[0]) == []
        servers[0].submit_write(partial(add, text="b")).result(60)
        assert servers[0].stopped is None

    def test_a_connection_that_is_lost_is_made_again(self, servers: list[Database]) -> None:
        lost: list[bool] = []

        def lose(write: Write) -> None:
            add(write, "a")
            if not lost:
                lost.append(True)
                kill(write.connection)

        def lose_reading(read: Read) -> list[Any]:
            if len(lost) < 2:
                lost.append(True)
                kill(read.connection)
            return list(read.execute(notes.select()))

        servers[0].submit_write(lose).result(60)
        assert len(servers[0].submit_read(lose_reading).result(60)) == 1

    def test_also_where_a_part_of_the_work_may_fail_by_itself(self, servers: list[Database]) -> None:
        lost: list[bool] = []

        def lose(write: Write) -> None:
            add(write, "a")
            with write.apart():
                add(write, "b")
                if not lost:
                    lost.append(True)
                    kill(write.connection)

        servers[0].submit_write(lose).result(60)
        assert texts(servers[0]) == ["a", "b"]

    def test_all_connections_at_once(self, servers: list[Database]) -> None:
        def all_others(write: Write) -> None:
            write.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid != pg_backend_pid()"
                )
            )

        texts(servers[1])
        servers[1].submit_write(partial(add, text="a")).result(60)
        servers[0].submit_write(all_others).result(60)
        servers[1].submit_write(partial(add, text="b")).result(60)
        assert texts(servers[1]) == ["a", "b"]

    def test_a_commit_that_was_asked_for_and_not_kept_is_done_again(self, servers: list[Database]) -> None:
        done: list[bool] = []

        def lose_at_the_end(write: Write) -> None:
            add(write, "a")
            for statement in (
                "CREATE FUNCTION pg_temp.leave() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
                "CREATE CONSTRAINT TRIGGER leaving AFTER INSERT ON contract_notes DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION pg_temp.leave()",
            ):
                if not done:
                    write.execute(sa.text(statement))
            done.append(True)
            add(write, "b")

        servers[0].submit_write(lose_at_the_end).result(60)
        assert len(done) == 2
        assert texts(servers[1]) == ["a", "b"]

    def test_a_commit_that_was_kept_and_not_answered_is_not(
        self, servers: list[Database], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[bool] = []

        def work(write: Write) -> None:
            done.append(True)
            add(write, "a")

        answered = PostgreSQL.transaction

        @contextmanager
        def unanswered(self: PostgreSQL, connection: sa.Connection) -> Iterator[sa.Transaction]:
            with answered(self, connection) as transaction:
                yield transaction
            if len(done) == 1 and not lost:
                lost.append(True)
                kill(connection)
                connection.exec_driver_sql("SELECT 1")

        lost: list[bool] = []
        monkeypatch.setattr(PostgreSQL, "transaction", unanswered)
        servers[0].submit_write(work).result(60)
        assert (len(done), lost) == (1, [True])
        assert texts(servers[1]) == ["a"]

    def test_what_a_failed_statement_took_with_it_is_never_acknowledged(
        self, servers: list[Database]
    ) -> None:
        def pass_over(write: Write) -> None:
            add(write, "a")
            with pytest.raises(sa.exc.DBAPIError):
                write.execute(sa.text("SELECT 1/0"))

        with pytest.raises(ServiceException):
            servers[0].submit_write(pass_over).result(60)
        assert texts(servers[0]) == []


def test_rows_are_locked_in_the_same_order_whatever_the_order_in_which_they_are_given(url: str) -> None:
    """Two who touch the same objects at once, and whom no lock holds apart, do not wait for each other in a circle."""
    Database(url).close()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    sa.event.listen(engine, "connect", configure)
    digests = [f"{number:064x}" for number in range(50)]
    begin = threading.Barrier(2)

    def touch(order: list[str]) -> None:
        for now in range(20):
            begin.wait(60)
            with engine.begin() as connection:
                objects.touch(Write(connection), dict.fromkeys(order, 1), now)

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(touch, [digests, digests[::-1]]))
    finally:
        engine.dispose()


class TestOpening:
    def test_two_at_once_make_one_schema(self, postgresql_server: Server) -> None:
        name = postgresql_server.create()
        with ThreadPoolExecutor(4) as pool:
            opened = list(pool.map(Database, [postgresql_server.url(name)] * 4))
        opened[0].submit_write(partial(add, text="a")).result(60)
        assert [texts(each) for each in opened] == [["a"]] * 4
        for each in opened:
            each.close()

    def test_a_server_that_is_not_there_is_named_without_its_password(self) -> None:
        with pytest.raises(WorkspaceException, match=r"postgresql\S+nobody.*cannot be used") as caught:
            Database("postgresql://nobody:secret@127.0.0.1:1/none")
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("url", ["mysql://host/db", "faena.db", "postgresql//x"])
    def test_what_is_no_url_of_postgresql_is_refused(self, url: str) -> None:
        with pytest.raises(WorkspaceException, match="postgresql://user@host/database"):
            Database(url)

    def test_a_database_of_another_encoding_is_refused(self, postgresql_server: Server) -> None:
        postgresql_server.execute(
            "postgres",
            "DROP DATABASE IF EXISTS other",
            "CREATE DATABASE other ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'",
        )
        with pytest.raises(WorkspaceException, match="SQL_ASCII"):
            Database(postgresql_server.url("other"))

    def test_a_newer_schema_is_refused(self, url: str) -> None:
        database = Database(url)

        def set_version(write: Write, number: int) -> None:
            write.execute(sa.text(f"UPDATE schema_version SET version = {number}"))

        database.submit_write(partial(set_version, number=SCHEMA_VERSION + 1)).result(60)
        with pytest.raises(WorkspaceException, match=rf"{SCHEMA_VERSION + 1}.*{SCHEMA_VERSION}"):
            Database(url)
        database.submit_write(partial(set_version, number=SCHEMA_VERSION)).result(60)
        database.close()


def test_upsert_of_the_same_row_by_two_who_are_not_held_apart_keeps_one(url: str) -> None:
    Database(url).close()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    begin = threading.Barrier(2)

    def put(size: int) -> None:
        begin.wait(60)
        with engine.begin() as connection:
            row = {"kind": "k", "size": 1, "text": str(size)}
            upsert(Write(connection), notes, row, key=["kind", "size"], update=["text"])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(put, range(2)))
    with engine.connect() as connection:
        assert len(connection.execute(notes.select()).all()) == 1
    engine.dispose()
