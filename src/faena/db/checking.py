"""Whether a database file is there, whole and as new as it was, before a server stands on it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from faena.db.failures import damaged
from faena.db.schema import version
from faena.kernel import commit_record
from faena.kernel.commit_record import Recorded
from faena.kernel.errors import DatabaseDamaged

SMALL = 16 << 20
"""Bytes up to which a whole check costs less than the rest of a server's start."""
_PATIENCE = 2.0
"""Seconds that a lock of somebody else's is waited for."""


def check(path: Path, recorded: Recorded | None, traces: str) -> None:
    """Raises DatabaseDamaged, and sqlite3.Error for what cannot be opened.

    A database that is missing or empty is none where it was made before: `recorded`, or `traces`, say so. One that is
    large is read as a whole only where damage was met before; else its damage is told once it is met again.
    """
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        _refuse_lost(path, recorded, traces, "empty" if path.exists() else "missing")
        return
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_PATIENCE)
    ) as connection:
        if size <= SMALL or (recorded is not None and recorded.suspect):
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if said != "ok":
                raise damaged(path, " ".join(said.split())[:300])
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if version.name not in tables:
            if tables:
                shown = ", ".join(tables[:3])
                raise DatabaseDamaged(f"{path} is another program's database: it has the tables {shown}.")
            _refuse_lost(path, recorded, traces, "without any table")
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if missing := commit_record.lacking(found, recorded):
        raise DatabaseDamaged(
            f"The workspace's database {path} lacks {commit_record.shown(missing)} that it had: its "
            f"write-ahead log {path.name}-wal was removed, or an older copy was put in its place. Bring back the file "
            "that is missing; `faena repair --accept-database` goes on without those changes."
        )


def commits(connection: sa.Connection) -> int:
    """How many commits the database counts."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _refuse_lost(path: Path, recorded: Recorded | None, traces: str, how: str) -> None:
    if recorded is None and not traces:
        return
    shown = f"its folder has {traces}" if traces else f"{commit_record.place_of(path).name} tells of it"
    raise DatabaseDamaged(
        f"The workspace's database {path} is {how}, and the workspace has lived: {shown}. Nothing was made in "
        "its place."
    )
