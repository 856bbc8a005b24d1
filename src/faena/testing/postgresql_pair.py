"""Servers of PostgreSQL of a test's own, durable: killed, started anew, replaced by a replica."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faena.node.processes import descendants
from faena.testing import postgresql
from faena.testing.kills import processes
from faena.testing.waiting import until

_SETTINGS = ("listen_addresses=127.0.0.1", "max_connections=100", "shared_buffers=32MB", "max_wal_senders=4")
_PATIENCE_S = 60.0


class Member:
    """One server, on a port of this host's loopback that stays its own. `folder`: of the pair."""

    def __init__(self, folder: Path, name: str, postgres: Path, options: dict[str, Any]) -> None:
        self.name = name
        self.port = free_port()
        self.data = folder / name
        self._folder = folder
        self._postgres = postgres
        self._options = options
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def lives(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def start(self, *settings: str) -> None:
        """`settings`: more of them, such as `fsync=off`."""
        command: list[str | Path] = [self._postgres, "-D", self.data, "-k", self._folder]
        for setting in (*_SETTINGS, f"port={self.port}", *settings):
            command += ["-c", setting]
        self._running = postgresql.serving(command, self._folder / f"log-{self.name}", self._options)

    def kill(self) -> None:
        """All of it, as when its host dies; what it has written is there when it is started again."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)  # it starts nobody while the others are looked for
        below = descendants(self._running.pid)
        self._running.kill()
        self._running.wait()
        for each in below:
            processes.kill(each.pid)

    def stop(self) -> None:
        """As when it is started anew for a change of its settings: whoever is connected is told to go."""
        assert self._running is not None
        self._running.send_signal(signal.SIGINT)
        self._running.wait(_PATIENCE_S)

    def promote(self) -> None:
        """Have a replica be what is written to."""
        self.execute("SELECT pg_promote(true, 60)")

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        import psycopg  # it is there where there is a server

        where = f"postgresql://faena@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        if self.lives:
            self.kill()


class Pair:
    """A server, and a replica once there is one."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        postgres, options = postgresql.runnable(folder)
        options["env"] = {**os.environ, **variables}
        self._programs = postgres
        self._options = options
        self._folder = folder
        self.primary = Member(folder, "primary", postgres, options)
        self.replica = Member(folder, "replica", postgres, options)
        postgresql.initialize(postgres, self.primary.data, folder / "log-initdb", options)

    def url(self, database: str) -> str:
        """That both have, one after the other."""
        return f"postgresql://faena@127.0.0.1:{self.primary.port},127.0.0.1:{self.replica.port}/{database}"

    def url_of_one(self, database: str) -> str:
        return f"postgresql://faena@127.0.0.1:{self.primary.port}/{database}"

    def replicate(self, *, waits: bool) -> None:
        """Start a replica. `waits`: commits are acknowledged when both have them."""
        where = f"host=127.0.0.1 port={self.primary.port} user=faena application_name=replica"
        command = [str(self._programs.with_name("pg_basebackup")), "-d", where, "-D", str(self.replica.data)]
        command += ["-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]
        subprocess.run(command, check=True, timeout=_PATIENCE_S, **self._options)
        self.replica.start()
        state = "SELECT state, sync_state FROM pg_stat_replication"
        until(
            lambda: [row[0] for row in self.primary.execute(state)] == ["streaming"],
            "the replica follows",
            seconds=60,
        )
        if waits:
            self.primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
            self.primary.execute("SELECT pg_reload_conf()")
            until(
                lambda: [row[1] for row in self.primary.execute(state)] == ["sync"],
                "commits wait for it",
                seconds=60,
            )

    def close(self) -> None:
        self.replica.close()
        self.primary.close()


@contextmanager
def pair(variables: Mapping[str, str] | None = None, folder: Path | None = None) -> Iterator[Pair]:
    """With the first of them running, and nothing in it.

    `variables`: more of their environment. `folder`: where they are, by a short path, since sockets lie in it. Raises
    postgresql.Unavailable.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="faena-pg-", dir="/tmp"))
    try:
        made = Pair(place, variables or {})
        try:
            made.primary.start()
            yield made
        finally:
            made.close()
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
