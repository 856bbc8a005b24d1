"""Goes on, on somebody's word, with a database that lacks changes which were acknowledged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from faena.kernel import commit_record
from faena.kernel.commit_record import CommitRecord
from faena.kernel.discovery import Rendezvous, try_lock
from faena.kernel.errors import WorkspaceException


def accept_database(folder: Path) -> int:
    """Take the database of a `.faena` folder for what it is; how many acknowledged changes it lacks.

    Raises WorkspaceException where a server works on it, and for what is no whole database.
    """
    path = folder / "faena.db"
    lock = try_lock(Rendezvous(folder).election)
    if lock is None:
        raise WorkspaceException(
            f"A server works on {folder}, and with the database as it is: there is nothing to do."
        )
    try:
        found = _commits(path)
        missing = commit_record.lacking(found, commit_record.read(path))
        CommitRecord(path, found).close()
        return missing
    finally:
        os.close(lock)


def _commits(path: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as connection:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if said == "ok" and connection.execute("SELECT version FROM schema_version").fetchone():
                return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        said = str(error)
    raise WorkspaceException(f"{path} is no whole database of a workspace ({said}). Restore a backup.")
