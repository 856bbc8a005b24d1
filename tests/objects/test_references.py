"""Collection and backups go by the columns that are marked as references to objects: none may be forgotten."""

from __future__ import annotations

from faena.db import metadata
from faena.objects.references import references
from faena.server import app  # noqa: F401  its features add their tables

NO_REFERENCES = {
    "objects.digest": "the objects themselves",
    "snapshots.digest": "of the manifest, which lies in the row",
    "locks.digest": "of the lock, which lies in the row",
    "datasets.digest": "of the definition, which lies in the row",
}


def test_every_column_of_digests_is_marked_or_is_none() -> None:
    marked = {str(column) for column in references()}
    named = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if "digest" in column.name or column.name == "object"
    }
    assert named == marked | set(NO_REFERENCES)
    assert not marked & set(NO_REFERENCES)
