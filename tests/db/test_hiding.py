"""Who reads in somebody's name reads what is there for them, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write, hiding, metadata
from faena.db.hiding import ASKER, Asker, View
from faena.workspaces import store
from tests.databases import Databases


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    made = databases.open(tmp_path / "faena.db")

    def write(write: Write) -> None:
        for name in ("open", "closed"):
            store.create_experiment(write, name, 1)

    made.submit_write(write).result()
    yield made


def names(read: Read) -> list[str]:
    return [each.name for each in store.list_experiments(read)]


def as_seen(database: Database, hidden: dict[int, str], work: Any = names) -> Any:
    context = copy_context()
    context.run(ASKER.set, Asker("eve", lambda _: View(hidden)))
    return context.run(database.submit_read, work).result()


def test_what_is_hidden_is_not_there(database: Database) -> None:
    assert as_seen(database, {}) == ["closed", "open"]
    for _ in range(3):  # connections are used again
        assert as_seen(database, {2: "closed"}) == ["open"]
        assert as_seen(database, {1: "open", 2: "closed"}) == []
    assert database.submit_read(names).result() == ["closed", "open"]


def test_each_table_of_it_can_be_read(database: Database) -> None:
    def read(read: Read) -> list[str]:
        return [
            table.name
            for table in metadata.sorted_tables
            if read.execute(sa.select(table).limit(1)).keys() != table.columns.keys()
        ]

    assert as_seen(database, {2: "closed"}, read) == []
    assert len(hiding.views("main")) > 25


def test_nothing_is_written_there(database: Database) -> None:
    def write(read: Read) -> None:
        read.execute(store.experiments.delete())

    with pytest.raises(sa.exc.DBAPIError):
        as_seen(database, {2: "closed"}, write)
    assert database.submit_read(names).result() == ["closed", "open"]
