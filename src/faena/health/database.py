"""The database, looked at without the server and without changing a byte of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from faena.backups.history import advice
from faena.health import postgresql
from faena.health.finding import Finding, ok, problem, size, warning
from faena.health.schema import schema_finding
from faena.health.subject import Subject
from faena.kernel import commit_record
from faena.kernel.plural import counted
from faena.workspaces import database_place
from faena.workspaces.signs_of_use import traces

LARGE_LOG = 256_000_000
"""Bytes of write-ahead log beyond which something keeps it from being taken into the database: a warning."""
PATIENCE = 2.0
"""Seconds that a lock of somebody else's is waited for."""
LONG_CHECK = 20.0
"""Seconds after which the check of a large database is left, unless `--deep`."""
_STEPS = 100_000
_SAVED = "`sqlite3 faena.db .recover` saves what can be read."


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, and leaves no file behind. Raises sqlite3.Error.

    Without a write-ahead log nobody has the file open: it is read as it lies, and SQLite makes no files beside it.
    """
    still = not _log(path).exists()
    uri = f"file:{quote(str(path))}?{'immutable=1' if still else 'mode=ro'}"
    with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None)) as connection:
        yield connection


def check_database(subject: Subject) -> Iterator[Finding]:
    path = subject.database
    if path is None:
        return
    folder = path.parent
    at = database_place.place(folder)
    if not isinstance(at, Path):
        yield from postgresql.check_postgresql(at, folder)
        return
    if not path.exists() or not path.stat().st_size:
        how = "empty" if path.exists() else "missing"
        if found := traces(folder):
            yield problem(
                "database", f"{path} is {how}, and the workspace has lived: it has {found}", advice(folder)
            )
        else:
            yield ok("database", "not there yet; the server makes it")
        return
    try:
        with opened(path) as connection:
            yield from _examine(connection, path, subject.deep)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            holders = ", ".join(_holders(path)) or "a process that cannot be seen from here"
            yield problem("database", f"locked by {holders}", "end that program, or let it finish")
        else:
            yield problem(
                "database", f"{path} cannot be opened: {error}", f"ls -l {folder}; {advice(folder)}"
            )
    except sqlite3.DatabaseError as error:
        yield problem("database", f"{path} is damaged: {error}", f"{advice(folder)} {_SAVED}")


def _examine(connection: sqlite3.Connection, path: Path, deep: bool) -> Iterator[Finding]:
    said = _quick_check(connection, None if deep else LONG_CHECK)
    if said:
        yield problem("database", f"damaged: {said}", f"{advice(path.parent)} {_SAVED}")
        return
    if (lost := _lost(connection, path)) is not None:
        yield lost
        return
    runs = _count(connection)
    yield ok(
        "database", f"whole, {size(path.stat().st_size)}{'' if runs is None else ', ' + counted(runs, 'run')}"
    )
    yield _schema(connection)
    yield _write_ahead(path)


def _lost(connection: sqlite3.Connection, path: Path) -> Finding | None:
    """A database without the workspace's tables, or without changes that were acknowledged."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if ("schema_version",) not in tables:
        if tables or (found := traces(path.parent)):
            said = (
                f"holds the tables {', '.join(row[0] for row in tables[:3])}" if tables else f"it has {found}"
            )
            return problem(
                "database", f"{path} has none of the workspace's tables, and {said}", advice(path.parent)
            )
        return None
    recorded = commit_record.read(path)  # before the database: a server may work on both
    count = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if missing := commit_record.lacking(count, recorded):
        said = (
            f"lacks {commit_record.shown(missing)} that it had: its log was removed, or it is an older copy"
        )
        remedy = "bring back the file that is missing; else faena repair --accept-database, or a backup"
        return problem("database", said, remedy)
    return None


def _quick_check(connection: sqlite3.Connection, seconds: float | None) -> str:
    """The first faults; empty where none was found in the time given."""
    due = None if seconds is None else time.monotonic() + seconds
    connection.set_progress_handler(lambda: due is not None and time.monotonic() > due, _STEPS)
    try:
        rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return ""
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return "" if rows == ["ok"] else "; ".join(rows).replace("\n", " ")


def _count(connection: sqlite3.Connection) -> int | None:
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:
        return None


def _schema(connection: sqlite3.Connection) -> Finding:
    try:
        return schema_finding(int(connection.execute("SELECT version FROM schema_version").fetchone()[0]))
    except (sqlite3.OperationalError, TypeError):
        return schema_finding(None)


def _write_ahead(path: Path) -> Finding:
    try:
        length = _log(path).stat().st_size
    except FileNotFoundError:
        length = 0
    if length > LARGE_LOG:
        said = f"{size(length)}: a reader keeps it from shrinking"
        return warning("write-ahead log", said, "faena server stop, and end programs that read faena.db")
    return ok("write-ahead log", size(length))


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _holders(path: Path) -> Iterator[str]:
    """Processes that have the file open, as far as this user may see."""
    wanted = path.stat()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = list((process / "fd").iterdir())
            files = (os.stat(link) for link in links)  # noqa: PTH116  one that is closed meanwhile ends the loop
            if any((file.st_dev, file.st_ino) == (wanted.st_dev, wanted.st_ino) for file in files):
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if int(process.name) != os.getpid():
                    yield f"process {process.name} ({words.strip()[:60]})"
        except OSError:
            continue
