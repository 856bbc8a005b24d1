"""The database of a workspace: one writer, many readers, one schema version."""

from faena.db.engine import Database, Read, Write
from faena.db.schema import metadata

__all__ = ["Database", "Read", "Write", "metadata"]
