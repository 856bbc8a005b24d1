"""The schema: features add their tables to `metadata`; its version is kept in the database itself."""

from __future__ import annotations

import sqlalchemy as sa

from faena.kernel.errors import WorkspaceException

SCHEMA_VERSION = 2

metadata = sa.MetaData()

_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer, primary_key=True))


def prepare(connection: sa.Connection) -> None:
    """Create the tables in an empty database; refuse one that a newer Faena wrote.

    Raises WorkspaceException naming both versions.
    """
    if not sa.inspect(connection).has_table(_version.name):
        metadata.create_all(connection)
        connection.execute(_version.insert().values(version=SCHEMA_VERSION))
        return
    found = connection.execute(sa.select(_version.c.version)).scalar_one()
    if found != SCHEMA_VERSION:
        raise WorkspaceException(
            f"The workspace's database has schema version {found}; this Faena reads {SCHEMA_VERSION}. "
            "Install the Faena that wrote it, or a newer one."
        )
