"""A database of PostgreSQL, asked without the workspace's server, and without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faena.health.finding import Finding, ok, problem, size
from faena.health.schema import schema_finding
from faena.kernel.errors import WorkspaceException
from faena.kernel.plural import counted
from faena.workspaces import database_place
from faena.workspaces.signs_of_use import traces

_WITHIN = 5
"""Seconds in which a server of PostgreSQL takes a connection."""
_PATIENCE_MS = 60_000
"""That one statement may take."""


def faults() -> tuple[type[Exception], ...]:
    """What its driver raises, where it is installed."""
    try:
        import psycopg
    except ImportError:
        return ()
    return (psycopg.Error,)


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection of the driver's to the server that takes changes; none can be made by it.

    Raises what the driver raises, and WorkspaceException where there is none.
    """
    try:
        import psycopg
    except ImportError:
        raise WorkspaceException(
            f"{database_place.shown(url)} needs PostgreSQL's driver: pip install 'faena[postgresql]'."
        ) from None
    asked: dict[str, Any] = {"connect_timeout": _WITHIN, "target_session_attrs": "read-write"}
    with psycopg.connect(url, autocommit=True, **asked) as connection:
        connection.execute("SET default_transaction_read_only = on")
        connection.execute(f"SET statement_timeout = {_PATIENCE_MS}".encode())
        yield connection


def check_postgresql(url: str, folder: Path) -> Iterator[Finding]:
    shown = database_place.shown(url)
    try:
        with connected(url) as connection:
            yield from _examine(connection, shown, folder)
    except WorkspaceException as error:
        said, _, remedy = error.message.rstrip(".").partition(": ")
        yield problem("database", said, remedy)
    except faults() as error:
        said = " ".join(str(error).split())[:300]
        yield problem(
            "database",
            f"{shown} cannot be read: {said}",
            f"see that its server runs and takes changes, and that {folder / database_place.RECORD} names it",
        )


def _examine(connection: Any, shown: str, folder: Path) -> Iterator[Finding]:
    version = int(connection.info.server_version) // 10_000
    length = _one(connection, "SELECT pg_database_size(current_database())")
    is_there = _one(connection, "SELECT to_regclass('schema_version') IS NOT NULL")
    if not is_there:
        if found := traces(folder):
            said = f"{shown} has none of the workspace's tables, and the workspace has lived: it has {found}"
            named = folder / database_place.RECORD
            yield problem("database", said, f"see that {named} names the right one; else bring back a backup")
        else:
            yield ok("database", f"{shown}, PostgreSQL {version}: no tables yet; the server makes them")
        return
    runs = counted(int(_one(connection, "SELECT count(*) FROM runs")), "run")
    yield ok("database", f"{shown}, PostgreSQL {version}, {size(float(length))}, {runs}")
    yield schema_finding(_one(connection, "SELECT version FROM schema_version"))


def _one(connection: Any, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]
