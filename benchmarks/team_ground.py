"""A shared server in a process of its own, with people: on SQLite, or on PostgreSQL as a team would have it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import HIDING, workspace
from benchmarks.load import cpu_seconds
from benchmarks.memory import pss_mb, with_children
from benchmarks.postgresql import running
from faena import Workspace
from faena.people.model import Role
from faena.people.schemas import TokenIn
from faena.people.settings import PREFIX
from faena.testing.waiting import until
from faena.workspaces import database_place

DATABASES = ("sqlite", "postgresql")
_OWNER = "ada"


@dataclass(frozen=True)
class Team:
    """`workspace`: as the host's own user has it. `server`, `database`: ids of the first process of each."""

    workspace: Workspace
    url: str
    server: int
    database: int | None
    place: Path | str

    def people(self, number: int, role: Role = Role.CONTRIBUTOR) -> list[str]:
        """The tokens of so many new people."""
        people = self.workspace.api.people
        found = []
        for each in range(number):
            people.put(f"person{each:04d}", role)
            found.append(people.new_token(f"person{each:04d}", TokenIn()).token)
        return found

    def cpu(self) -> tuple[float, float]:
        """Seconds that the server and the database have used."""
        return cpu_seconds(self.server), cpu_seconds(self.database) if self.database else 0.0

    def memory(self) -> tuple[float, float]:
        """PSS in MB of the server and of the database with all its processes."""
        database = sum(map(pss_mb, with_children(self.database))) if self.database else 0.0
        return pss_mb(self.server), database


@contextmanager
def team(kind: str, prepare: Callable[[Workspace], None] = lambda _: None) -> Iterator[Team]:
    """`kind`: one of `DATABASES`. `prepare`: what is done before the server starts. All of it is gone afterwards.

    Raises Unavailable without PostgreSQL's wheel.
    """
    with ExitStack() as all_of_it:
        database, first = all_of_it.enter_context(running()) if kind == "postgresql" else ("", None)
        made = all_of_it.enter_context(workspace())
        if database:
            database_place.choose(made.files.path, database)
        prepare(made)
        url, pid = all_of_it.enter_context(served(made))
        yield Team(made, url, pid, first, database or made.files.database)


@contextmanager
def served(made: Workspace) -> Iterator[tuple[str, int]]:
    """The address for people, and the process id."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    environment |= {f"{PREFIX}PORT": "0", f"{PREFIX}OWNER": _OWNER}
    log = made.folder.parent / f"server-of-{made.folder.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "faena.cli", "server", "run"],
            cwd=made.folder,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield _url(log, process), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _url(log: Path, process: subprocess.Popen[bytes]) -> str:
    def found() -> str:
        said = log.read_text(errors="replace")
        if process.poll() is not None:
            raise RuntimeError(said)
        return said.partition("People sign in at ")[2].partition("\n")[0]

    until(lambda: bool(found()), "the server listens", seconds=60)
    time.sleep(0.1)
    return found()
