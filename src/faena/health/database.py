"""The database, looked at without the server and without changing a byte of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from faena.health.finding import Finding, ok, problem, size, warning
from faena.health.subject import Subject
from faena.kernel.settings import SCHEMA_VERSION

LARGE_LOG = 256_000_000
"""Bytes of write-ahead log beyond which something keeps it from being taken into the database: a warning."""
PATIENCE = 2.0
"""Seconds that a lock of somebody else's is waited for."""
LONG_CHECK = 20.0
"""Seconds after which the check of a large database is left, unless `--deep`."""
_STEPS = 100_000
_BACKUP = "restore faena.db from a backup; `sqlite3 faena.db .recover` saves what can be read"


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
    if not path.exists():
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
            yield problem("database", f"{path} cannot be opened: {error}", f"ls -l {path.parent}; {_BACKUP}")
    except sqlite3.DatabaseError as error:
        yield problem("database", f"{path} is damaged: {error}", _BACKUP)


def _examine(connection: sqlite3.Connection, path: Path, deep: bool) -> Iterator[Finding]:
    said = _quick_check(connection, None if deep else LONG_CHECK)
    if said:
        yield problem("database", f"damaged: {said}", _BACKUP)
        return
    runs = _count(connection)
    yield ok("database", f"whole, {size(path.stat().st_size)}{'' if runs is None else f', {runs:,} runs'}")
    yield _schema(connection)
    yield _write_ahead(path)


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
        found = int(connection.execute("SELECT version FROM schema_version").fetchone()[0])
    except (sqlite3.OperationalError, TypeError):
        return warning("schema", "the database says no version", "faena runs: the server makes its tables")
    if found > SCHEMA_VERSION:
        said = f"version {found}; this Faena reads {SCHEMA_VERSION}"
        return problem("schema", said, "install the Faena that wrote it, or a newer one")
    if found < SCHEMA_VERSION:
        return ok("schema", f"version {found}; the server brings it to {SCHEMA_VERSION} when it starts")
    return ok("schema", f"version {found}")


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
