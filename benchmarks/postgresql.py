"""A server of PostgreSQL as a team would have it: what is committed is on disk, and tables are looked after."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.testing.postgresql import initialize, runnable, serving

_SETTINGS = (
    "listen_addresses=",
    "shared_buffers=512MB",
    "effective_cache_size=4GB",
    "max_wal_size=4GB",
    "random_page_cost=1.1",
)
"""Beside PostgreSQL's own: fsync, synchronous commits and autovacuum are on."""


@contextmanager
def running(databases: int = 0) -> Iterator[tuple[str, int]]:
    """The URL of an empty database, `faena`, and the process id of the server's first process. Raises Unavailable.

    `databases`: how many there are beside it, `faena0`, `faena1` and so on, each for a workspace.
    """
    import psycopg  # it is there where there is a server

    folder = Path(tempfile.mkdtemp(prefix="fpg-", dir="/var/tmp"))  # a disk, and a short path for its socket
    try:
        postgres, options = runnable(folder)
        log, data = folder / "log", folder / "data"
        initialize(postgres, data, log, options)
        settings = (*_SETTINGS, f"max_connections={100 + 10 * databases}")
        asked = [word for each in settings for word in ("-c", each)]
        process = serving([postgres, "-D", data, "-k", folder, *asked], log, options)
        try:
            with psycopg.connect(
                f"postgresql://faena@/postgres?host={folder}", autocommit=True
            ) as connection:
                for name in ("faena", *(f"faena{number}" for number in range(databases))):
                    connection.execute(f"CREATE DATABASE {name}".encode())
            yield f"postgresql://faena@/faena?host={folder}", process.pid
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def another(url: str, number: int) -> str:
    """The database of that number beside `faena`."""
    return url.replace("/faena?", f"/faena{number}?")
