"""The schema: features add their tables to `metadata`; its version is kept in the database itself."""

from __future__ import annotations

import sqlalchemy as sa

from faena.kernel.errors import WorkspaceException
from faena.kernel.settings import SCHEMA_VERSION as SCHEMA_VERSION

metadata = sa.MetaData()

version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer, primary_key=True))


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


def create(connection: sa.Connection) -> None:
    """Create the tables in an empty database."""
    metadata.create_all(connection)
    connection.execute(version.insert().values(version=SCHEMA_VERSION))
