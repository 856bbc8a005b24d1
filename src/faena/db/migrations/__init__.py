"""Brings a database that an older Faena wrote to today's schema: a step for each version, with Alembic's operations.

A step speaks of tables as they were then: it imports nothing of the features, and is never changed once released.
tests/db/kept holds a database of each version.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa

from faena.db.schema import SCHEMA_VERSION, found_version, version


def upgrade(path: Path) -> None:
    """Bring the SQLite file at `path` to today's schema, all or nothing; silent when it has it.

    The file as it was stays beside it, as `before-schema-<today's>.db`, until somebody removes it.
    Raises WorkspaceException when a newer Faena wrote it.
    """
    if not path.exists():
        return
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = found_version(connection)
    if found is None or found == SCHEMA_VERSION:
        return
    logging.info("the database has schema %d; it is brought to %d", found, SCHEMA_VERSION)
    _keep(path, path.with_name(f"before-schema-{SCHEMA_VERSION}.db"))

    @sa.event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the driver would commit before each change of a table

    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        bring_up(connection, found)
        connection.commit()


def bring_up(connection: sa.Connection, found: int) -> None:
    """Bring tables of the schema `found` to today's, in the transaction that the connection has begun."""
    if found == SCHEMA_VERSION:
        return
    for step in range(found + 1, SCHEMA_VERSION + 1):
        _step(connection, step)
    connection.execute(version.update().values(version=SCHEMA_VERSION))


def _step(connection: sa.Connection, to: int) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    module = import_module(f"{__name__}.to_{to}")
    module.upgrade(Operations(MigrationContext.configure(connection)))


def _keep(path: Path, kept: Path) -> None:
    """A whole copy, what lies in the write-ahead log included; a half-made one of an earlier try is replaced."""
    partial = kept.with_suffix(".part")
    partial.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(partial)) as to,
    ):
        source.backup(to)
    partial.replace(kept)
