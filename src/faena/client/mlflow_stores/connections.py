"""Databases as a store asks them: rows of a statement, and which tables and columns there are."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from faena.kernel.errors import UserErrorException

_BUSY_S = 60.0


class Connection(Protocol):
    address: str
    """For people: without a password."""
    base: Path
    """The folder that relative addresses of artifacts mean."""

    def tables(self) -> dict[str, list[str]]:
        """Columns by table."""

    def rows(self, statement: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows at once, so that nothing stays locked. Parameters are `?`."""

    def prepare_metrics(self) -> None:
        """Have the metrics of one run found quickly, also where the schema has no index for it."""

    def close(self) -> None: ...


def connect(url: str) -> Connection:
    """Raises UserErrorException for a database that is not there or whose driver is not installed."""
    kind = urlsplit(url).scheme.partition("+")[0]
    if kind == "sqlite":
        return _Sqlite(url)
    if kind in ("postgresql", "postgres"):
        return _Postgresql(url)
    raise UserErrorException(
        f"A database of {kind} cannot be read. Start `mlflow server --backend-store-uri …` on it and give that "
        "server's address, such as 'http://localhost:5000'."
    )


class _Sqlite:
    def __init__(self, url: str) -> None:
        path = unquote(url.partition("?")[0].partition("://")[2].removeprefix("/"))
        self.place = Path(path).expanduser().absolute()
        self.address = f"sqlite:///{self.place}"
        self.base = self.place.parent
        if not self.place.is_file():
            raise UserErrorException(
                f"There is no file {str(self.place)[:300]!r}. Give one such as 'sqlite:///mlflow.db'."
            )
        try:
            self._connection = sqlite3.connect(
                f"{self.place.as_uri()}?mode=ro",
                uri=True,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.text_factory = lambda data: data.decode("utf-8", "replace")
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.Error as error:
            raise UserErrorException(f"{self.place} cannot be read as a SQLite database: {error}.") from error

    def tables(self) -> dict[str, list[str]]:
        names = [row[0] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [row[1] for row in self.rows(f'PRAGMA table_info("{_quoted(name)}")')] for name in names
        }

    def rows(self, statement: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, tuple(given)).fetchall()
        except sqlite3.Error as error:
            raise UserErrorException(f"{self.place} cannot be read: {error}.") from error

    def prepare_metrics(self) -> None:
        indexes = [row[1] for row in self.rows("PRAGMA index_list(metrics)")]
        first = [self.rows(f'PRAGMA index_info("{_quoted(name)}")')[:1] for name in indexes]
        if not any(row and row[0][2] == "run_uuid" for row in first):
            for statement in (
                "CREATE TEMP TABLE metrics AS SELECT * FROM main.metrics",
                "CREATE INDEX temp.metrics_by_run ON metrics (run_uuid)",
            ):
                self.rows(statement)

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


def _quoted(name: str) -> str:
    return name.replace('"', '""')


class _Postgresql:
    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise UserErrorException(
                "A database of PostgreSQL is read by psycopg, which is not installed beside Faena: `pip install "
                "'psycopg[binary]'`. Or start `mlflow server --backend-store-uri …` on it and give that server's "
                "address, such as 'http://localhost:5000'."
            ) from None
        parts = urlsplit(url)
        host = (parts.netloc.rpartition("@")[2]) or "localhost"
        self.address = f"postgresql://{host}{parts.path}"
        self.base = Path.cwd()
        self._failed = psycopg.Error
        try:
            self._connection = psycopg.connect(f"postgresql://{url.partition('://')[2]}", autocommit=True)
        except psycopg.Error as error:
            raise UserErrorException(f"{self.address} cannot be read: {str(error).strip()[:500]}") from error

    def tables(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        asked = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        for table, column in self.rows(asked):
            found.setdefault(table, []).append(column)
        return found

    def rows(self, statement: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement.replace("?", "%s").encode(), tuple(given))
                return cursor.fetchall()
        except self._failed as error:
            raise UserErrorException(f"{self.address} cannot be read: {str(error).strip()[:500]}") from error

    def prepare_metrics(self) -> None:
        pass

    def close(self) -> None:
        self._connection.close()
