"""The schema: features add their tables to `metadata`; its version is kept in the database itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from faena.db.columns import POSTGRESQL, Integer
from faena.kernel.errors import WorkspaceException
from faena.kernel.settings import SCHEMA_VERSION as SCHEMA_VERSION

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""A migration finds a constraint by its name. Those that SQLite files of earlier versions have none."""

OF_PLACE = {"copied": False}
"""The mark (`info=OF_PLACE`) of a table that tells of a database's place, and not of what is in it."""
_WHERE = "where"
_put_together: dict[tuple[str, int], list[str]] = {}
"""Statements of `create`, by kind of database and number of tables."""

version = sa.Table("schema_version", metadata, sa.Column("version", Integer, primary_key=True))


def partial_index(name: str, *columns: str | sa.Column[Any], where: sa.ColumnElement[bool]) -> sa.Index:
    """An index of those rows of a table that fulfil a condition."""
    return sa.Index(name, *columns, sqlite_where=where, info={_WHERE: where})


def say_conditions() -> None:
    """Of partial indexes, to PostgreSQL. Where they are made it would load its dialect, which takes 20 ms, for all."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (where := index.info.get(_WHERE)) is not None:
                index.dialect_kwargs["postgresql_where"] = where


def found_version(connection: sa.Connection) -> int | None:
    """The schema version of a database; None for an empty one.

    Raises WorkspaceException naming both versions when a newer Faena wrote it.
    """
    if not sa.inspect(connection).has_table(version.name):
        return None
    found: int = connection.execute(sa.select(version.c.version)).scalar_one()
    if found > SCHEMA_VERSION:
        raise WorkspaceException(
            f"The workspace's database has schema version {found}; this Faena reads {SCHEMA_VERSION}. "
            "Install the Faena that wrote it, or a newer one."
        )
    return found


def statements(dialect: sa.Dialect) -> list[str]:
    """What makes the tables that there are by now. To put it together is most of what a new database costs."""
    kind = dialect.name, len(metadata.tables)
    if kind not in _put_together:
        made: list[str] = []

        def make(statement: sa.schema.ExecutableDDLElement, *_: object, **__: object) -> None:
            made.append(str(statement.compile(dialect=dialect)))

        metadata.create_all(sa.create_mock_engine(sa.make_url(f"{dialect.name}://"), make), checkfirst=False)
        _put_together[kind] = made
    return _put_together[kind]


def create(connection: sa.Connection) -> None:
    """Create the tables in an empty database."""
    if connection.dialect.name == POSTGRESQL:
        say_conditions()
        for statement in statements(connection.dialect):
            connection.exec_driver_sql(statement)
    else:
        cursor = connection.connection.cursor()  # SQLAlchemy's own way costs more than what SQLite does
        for statement in statements(connection.dialect):
            cursor.execute(statement)
        cursor.close()
    connection.execute(version.insert().values(version=SCHEMA_VERSION))
