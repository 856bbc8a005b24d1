"""Statements of PostgreSQL that nobody waits for: what they meet is told all the same, to whom it concerns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write, leading, lists
from faena.db.calling import call_all
from faena.db.pipelining import Pipeline
from faena.db.prepared import Prepared
from faena.kernel.errors import UserErrorException, WriterStopped
from faena.kernel.hooks import Hooks
from faena.testing.database import notes
from faena.testing.postgresql import Server

pytestmark = pytest.mark.postgresql
ADD = Prepared(notes.insert())
ALL = Prepared(sa.select(notes.c.text).order_by(notes.c.id))


@pytest.fixture
def database(postgresql_server: Server) -> Iterator[Database]:
    with postgresql_server.database() as url:
        made = Database(url)
        yield made
        made.close()


def add(write: Write, text: str, size: int | None = None) -> None:
    write.execute(ADD, {"text": text, "kind": "k", "size": size})


def add_twice(write: Write) -> None:
    add(write, "first", 1)
    add(write, "second", 1)


def look(write: Write) -> None:
    write.execute(ALL)


def texts(database: Database) -> list[str]:
    return database.submit_read(lambda read: read.execute(ALL).scalars()).result()


def test_what_only_the_commit_meets_is_raised_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        database.submit_write(add_twice).result(60)
    database.submit_write(partial(add, text="after")).result(60)
    assert texts(database) == ["after"]


def test_a_work_that_fails_raises_its_own_error_whatever_its_statements_met(database: Database) -> None:
    def fail(write: Write) -> None:
        add_twice(write)
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        database.submit_write(fail).result(60)
    assert texts(database) == []


def test_of_a_group_only_the_one_fails_whose_statement_it_was(database: Database) -> None:
    gate = threading.Event()
    held = database.submit_write(lambda _: gate.wait(60))
    before = database.submit_write(partial(add, text="before"))
    bad = database.submit_write(add_twice)
    after = database.submit_write(partial(add, text="after"))
    gate.set()
    for each in (held, before, after):
        each.result(60)
    with pytest.raises(sa.exc.IntegrityError):
        bad.result(60)
    assert texts(database) == ["before", "after"]


def test_what_fails_apart_takes_nothing_along(database: Database) -> None:
    hooks: Hooks[..., None] = Hooks()
    hooks.add(add_twice)

    def work(write: Write) -> None:
        add(write, "before")
        call_all(hooks, write)
        add(write, "after")

    database.submit_write(work).result(60)
    assert texts(database) == ["before", "after"]


def test_a_statement_that_failed_before_is_not_blamed_on_what_is_apart(database: Database) -> None:
    hooks: Hooks[..., None] = Hooks()
    hooks.add(look)

    def work(write: Write) -> None:
        add_twice(write)
        call_all(hooks, write)

    with pytest.raises(sa.exc.IntegrityError):
        database.submit_write(work).result(60)
    assert texts(database) == []


def test_how_many_rows_were_changed_is_known(database: Database) -> None:
    gone = Prepared(notes.delete().where(notes.c.kind == sa.bindparam("of")))

    def work(write: Write) -> int:
        for number in range(3):
            add(write, str(number), number)
        return write.execute(gone, {"of": "k"}).rowcount

    assert database.submit_write(work).result(60) == 3


def test_statements_of_both_kinds_are_done_in_their_order(database: Database) -> None:
    def work(write: Write) -> tuple[list[Any], list[Any]]:
        add(write, "first")
        seen = list(write.execute(sa.select(notes.c.text)).scalars())
        write.execute(notes.update().values(text="changed"))
        add(write, "second")
        return seen, write.execute(ALL).scalars()

    assert database.submit_write(work).result(60) == (["first"], ["changed", "second"])


def test_what_is_prepared_outlives_a_transaction_that_is_taken_back(database: Database) -> None:
    def prepared(write: Write) -> set[str]:
        add(write, "kept")
        look(write)
        found = write.connection.exec_driver_sql("SELECT name FROM pg_prepared_statements")
        return set(found.scalars())

    def fail(write: Write) -> None:
        add_twice(write)
        look(write)

    before = database.submit_write(prepared).result(60)
    with pytest.raises(sa.exc.IntegrityError):
        database.submit_write(fail).result(60)
    assert before <= database.submit_write(prepared).result(60)
    assert texts(database) == ["kept", "kept"]


def test_a_reader_that_failed_leaves_its_connection_for_the_next(database: Database) -> None:
    wrong = Prepared(sa.select(1 / (notes.c.size - sa.bindparam("from_it"))))
    database.submit_write(partial(add, text="one", size=7)).result(60)
    for _ in range(2):
        with pytest.raises(UserErrorException, match="division by zero"):
            database.submit_read(lambda read: read.execute(wrong, {"from_it": 7}).all()).result(60)
        assert texts(database) == ["one"]


def test_what_is_asked_together_is_one_journey(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        database.submit_write(partial(add, text=str(number), size=number)).result(60)
    one = Prepared(sa.select(notes.c.text).where(notes.c.size == sa.bindparam("of")))
    journeys: list[None] = []
    wait = Pipeline._take

    def count(pipeline: Pipeline) -> Any:
        journeys.append(None)
        return wait(pipeline)

    def look(read: Read) -> list[Any]:
        asked = [read.ask(one, {"of": number}) for number in range(3)]
        found = [each.scalar() for each in reversed(asked)]
        assert len(journeys) == 1
        return found

    monkeypatch.setattr(Pipeline, "_take", count)
    assert database.submit_read(look).result(60) == ["2", "1", "0"]


def test_lists_of_any_length_are_one_statement(database: Database) -> None:
    sized = lists.prepared_for(lambda sizes: sa.select(notes.c.text).where(notes.c.size.in_(sizes)))
    known = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%ANY%'"

    def look(write: Write) -> int:
        for length in (1, 2, 3, 9):
            assert list(lists.execute(write, sized, range(length))) == []
        return int(write.connection.exec_driver_sql(known.replace("%", "%%")).scalar_one())

    assert database.submit_write(look).result(60) == 1


@pytest.mark.parametrize("size", [2**63, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused(database: Database, size: int) -> None:
    with pytest.raises(UserErrorException, match="64 bits"):
        database.submit_write(partial(add, text="large", size=size)).result(60)
    assert texts(database) == []


def test_nothing_is_written_once_another_process_leads(database: Database) -> None:
    number = database.submit_write(lambda write: leading.take_number(write.connection)).result(60)
    database.lead(number)
    database.submit_write(partial(add, text="leads")).result(60)
    database.lead(number + 1)
    with pytest.raises(WriterStopped, match="Another process"):
        database.submit_write(partial(add, text="late")).result(60)
    assert texts(database) == ["leads"]


def _many(read: Read, of: Any, values: list[Any]) -> list[Any]:
    return [row.text for row in lists.execute(read, of, values)]


@pytest.mark.parametrize("count", [1, 7, 8, 600])
def test_many_rows_are_kept_changed_and_found(database: Database, count: int) -> None:
    rows: list[dict[str, Any]] = [
        {"text": None if number % 3 == 2 else f"ä{number}\0", "kind": "k", "size": number}
        for number in range(count)
    ]
    change = Prepared(notes.update().where(notes.c.size == sa.bindparam("which")))
    named = lists.prepared_for(
        lambda sizes: sa.select(notes.c.text).where(notes.c.size.in_(sizes)).order_by(notes.c.size)
    )

    def work(write: Write) -> None:
        write.execute(ADD, rows)
        write.execute(change, [{"which": row["size"], "text": "new"} for row in rows if row["size"] % 2])

    database.submit_write(work).result(60)
    wanted = [
        "new" if number % 2 else None if number % 3 == 2 else f"ä{number}\ufffd" for number in range(count)
    ]
    assert texts(database) == wanted
    found = database.submit_read(lambda read: _many(read, named, list(range(count)))).result(60)
    assert found == wanted
