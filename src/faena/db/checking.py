"""Whether a database file is whole, before a server stands on it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

from faena.db.failures import damaged

SMALL = 16 << 20
"""Bytes up to which a whole check costs less than the rest of a server's start."""


def check_soon(path: Path) -> None:
    """Check a database that is small; of a larger one damage is told once it is met.

    Raises DatabaseDamaged, and sqlite3.Error for what cannot be opened.
    """
    if path.stat().st_size <= SMALL:
        check(path)


def check(path: Path) -> None:
    """Raises DatabaseDamaged, and sqlite3.Error for what cannot be opened."""
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=2)
    ) as connection:
        said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if said != "ok":
        raise damaged(path, " ".join(said.split())[:300])
