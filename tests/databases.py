"""Databases of either kind, for tests that hold on both."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from faena.db import Database
from faena.db.schema import metadata
from faena.server import app as _app  # noqa: F401  a database is used again, so it has the tables of all features
from faena.testing import database as _contract  # noqa: F401  and that of the contract
from faena.testing.postgresql import Server

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
"""Parameters of a fixture."""
on_sqlite_alone = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""A test that takes long and learns nothing from another database."""


def on_both(name: str, values: Mapping[str, object], *, few: Collection[str]) -> pytest.MarkDecorator:
    """For a test that takes long. A `few` are tried on SQLite by `make test`, on PostgreSQL by `make long`.

    The others are tried on SQLite by `make long`, on PostgreSQL by `make faults`.
    """
    pairs: list[ParameterSet] = []
    for of, value in values.items():
        marks = [] if of in few else [pytest.mark.long]
        pairs.append(pytest.param("sqlite", value, id=f"sqlite-{of}", marks=marks))
    for of, value in values.items():
        marks = [pytest.mark.postgresql, *([] if of in few else [pytest.mark.campaign])]
        pairs.append(pytest.param("postgresql", value, id=f"postgresql-{of}", marks=marks))
    return pytest.mark.parametrize(("databases", name), pairs, indirect=["databases"])


@functools.cache
def _empty(tables: int) -> bytes:
    """SQLite's file of a new database with so many tables: to copy one costs a third of making it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faena.db"
        Database(path).close()
        return path.read_bytes()


class Databases:
    """Opens databases of one kind, SQLite's without a server; a context manager that closes them."""

    def __init__(self, server: Server | None) -> None:
        self._server = server
        self._stack = ExitStack()

    def __enter__(self) -> Databases:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, path: Path, **options: Any) -> Database:
        """A new one, which is this file, or has no place in the folder."""
        if self._server is not None:
            made = self._on(self._server, options)
        else:
            if not path.exists():
                path.write_bytes(_empty(len(metadata.tables)))
            made = Database(path, **options)
        self._stack.callback(made.close)
        return made

    def _on(self, server: Server, options: dict[str, Any]) -> Database:
        from tests import lasting_connections  # it needs the driver, which is there where there is a server

        server.keeps, server.release = lasting_connections.processes, lasting_connections.close_all
        url = self._stack.enter_context(server.database())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("faena.db.postgresql.PostgreSQL", lasting_connections.LastingPostgreSQL)
            return Database(url, **options)
