"""The database of a workspace: one writer, many readers, one schema version."""

from faena.db.engine import Database
from faena.db.schema import metadata
from faena.db.transactions import Read, Write

__all__ = ["Database", "Read", "Write", "metadata"]
