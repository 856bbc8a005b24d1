"""Reads rows of a workspace's database, as far as it can be read."""

from __future__ import annotations

import sqlite3
from typing import Any

from faena.health import database
from faena.health.subject import Subject

Row = tuple[Any, ...]


def read(subject: Subject, query: str) -> list[Row]:
    """None of a database that cannot be read, or that has no such table: what is wrong with it, its own check tells."""
    if subject.database is None or not subject.database.exists():
        return []
    try:
        with database.opened(subject.database) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        return []
