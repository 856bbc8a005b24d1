"""A row that tells of a request is kept with what the request does, or neither is."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write
from faena.db.deeds import DEED, Deed
from faena.people import store
from faena.people.schemas import AuditEntry
from faena.workspaces import store as workspaces
from tests.databases import Databases


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Database:
    return databases.open(tmp_path / "faena.db")


def told(number: int) -> AuditEntry:
    return AuditEntry(0, number, "ada", "t", "PUT", f"/{number}", 200, "")


def of_request(number: int) -> tuple[Deed, Context]:
    """What is run in the context is that request's work."""
    deed, context = Deed(lambda write: store.add_entry(write, told(number))), copy_context()
    context.run(DEED.set, deed)
    return deed, context


def made(name: str) -> Callable[[Write], None]:
    return lambda write: workspaces.create_experiment(write, name, 1)


def fails(write: Write) -> None:
    workspaces.create_experiment(write, "never", 1)
    raise LookupError("never")


def kept(database: Database) -> tuple[list[str], list[str]]:
    def read(read: Read) -> tuple[list[str], list[str]]:
        paths = read.execute(sa.select(store.audit_log.c.path).order_by(store.audit_log.c.number)).scalars()
        return [each.name for each in workspaces.list_experiments(read)], list(paths)

    return database.submit_read(read).result()


def test_there_is_one_for_all_that_a_request_writes(database: Database) -> None:
    deed, context = of_request(1)
    for name in ("a", "b"):
        context.run(database.submit_write, made(name)).result()
    database.submit_write(made("c")).result()  # in nobody's name
    assert kept(database) == (["a", "b", "c"], ["/1"])
    assert deed.number is not None


def test_there_is_none_of_what_failed(database: Database) -> None:
    deed, context = of_request(1)
    waiting: list[Any] = [database.submit_write(lambda write: None) for _ in range(3)]
    waiting += [
        context.run(database.submit_write, fails),
        of_request(2)[1].run(database.submit_write, made("a")),
    ]
    for each in waiting:
        each.exception()
    assert kept(database) == (["a"], ["/2"])
    assert deed.number is None
    context.run(database.submit_write, made("b")).result()
    assert kept(database) == (["a", "b"], ["/2", "/1"]), "of what it did in the end"


def test_what_is_done_after_the_answer_is_told_of_no_more(database: Database) -> None:
    deed, context = of_request(1)
    deed.end()
    context.run(database.submit_write, made("a")).result()
    assert kept(database) == (["a"], [])
