"""The database of a workspace: one writer, many readers, one schema version."""

from faena.db.columns import BigInteger, Integer, String, Text
from faena.db.engine import Database
from faena.db.schema import metadata, partial_index
from faena.db.statements import by_no_index, has_bytes, json_member, like, like_exactly, upsert
from faena.db.transactions import Read, Write

__all__ = [
    "BigInteger",
    "Database",
    "Integer",
    "Read",
    "String",
    "Text",
    "Write",
    "by_no_index",
    "has_bytes",
    "json_member",
    "like",
    "like_exactly",
    "metadata",
    "partial_index",
    "upsert",
]
