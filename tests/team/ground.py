"""A team's server: processes that are started anew when they end, behind a balancer, on PostgreSQL and a bucket."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from faena import Workspace
from faena.people.settings import PREFIX
from faena.server.team.listener import owner_token
from faena.testing import s3
from faena.testing.postgresql_pair import Pair, free_port, pair
from faena.testing.shutdown import shut_down
from faena.testing.waiting import until
from tests.several.processes import Process
from tests.team.balancer import Balancer, balancing

_LOOK_S = 0.1


class Place:
    """One of the processes: while it is wanted, whoever started it starts it anew, as a service manager does."""

    def __init__(self, team: Team, number: int, more: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.number = number
        self.starts = 0
        self._team = team
        self._more = more
        self._wanted = False
        self._ends = False
        self.process: Process | None = None
        self._thread = threading.Thread(target=self._look_after)
        self._thread.start()

    @property
    def leads(self) -> bool:
        return self.process is not None and self.process.lives and self.process.leads

    def start(self) -> None:
        self._wanted = True
        until(self.answers, f"process {self.number} answers", seconds=120)

    def answers(self) -> bool:
        found = self.process
        return found is not None and found.lives and "People sign in at" in found.said

    def stop(self, number: signal.Signals = signal.SIGTERM, *, again: bool = False) -> None:
        """`again`: it is started anew at once."""
        self._wanted = again
        if self.process is not None and self.process.lives:
            self.process.end(number)

    def close(self) -> None:
        self._ends = True
        self._thread.join()
        self.stop(signal.SIGKILL)

    def _look_after(self) -> None:
        while not self._ends:
            if self._wanted and (self.process is None or not self.process.lives):
                log = self._team.folder / f"log-{self.number}-{self.starts}"
                self.starts += 1
                self.process = self._team.process(log, self.port, self._more)
            time.sleep(_LOOK_S)


class Team:
    """`more`: of the processes' environments, for each."""

    def __init__(
        self,
        folder: Path,
        servers: Pair,
        objects: str,
        *,
        name: str = "team",
        replicas: bool = False,
        more: tuple[Mapping[str, str] | None, ...] = (None, None),
    ) -> None:
        """`name`: of the workspace and its database. `replicas`: its processes know of both servers."""
        self.folder = folder
        self.servers = servers
        self.objects = objects
        self._url = servers.url(name) if replicas else servers.url_of_one(name)
        folder.mkdir(parents=True, exist_ok=True)
        servers.primary.execute(f"CREATE DATABASE {name}")
        self.local = Workspace.create(name, folder / name)
        self.places = [Place(self, number, each) for number, each in enumerate(more)]
        self.balancer: Balancer | None = None
        self.bucket: s3.S3Server | None = None
        self._connected: list[Workspace] = []

    def process(self, log: Path, port: int, more: Mapping[str, str] | None) -> Process:
        objects = {f"{PREFIX}OBJECTS": self.objects, **(more or {})}
        return Process(self.local.files.path.parent, self._url, log, port, objects)

    def start(self) -> None:
        for place in self.places:
            place.start()

    @property
    def url(self) -> str:
        assert self.balancer is not None
        return f"https://127.0.0.1:{self.balancer.port}"

    @property
    def token(self) -> str:
        return owner_token(self.local.files.path).read_text().strip()

    @property
    def certificate(self) -> Path:
        return self.local.files.path / "team" / "certificate.pem"

    def connect(self) -> Workspace:
        """As somebody elsewhere, with URL and token."""
        self._connected.append(Workspace.connect(self.url, self.token))
        return self._connected[-1]

    @property
    def leader(self) -> Place | None:
        return next((place for place in self.places if place.leads), None)

    @property
    def other(self) -> Place | None:
        return next((place for place in self.places if not place.leads and place.answers()), None)

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("log-*")))

    def close(self) -> None:
        for workspace in self._connected:
            workspace.api.transport.close()
        for place in self.places[1:]:
            place.close()
        if (first := self.places[0]).process is not None and first.process.lives:
            until(lambda: first.leads, "the last one leads", seconds=60)
            shut_down(self.local)
        first.close()


def keys() -> dict[str, str]:
    """Variables of whoever uses the bucket."""
    return {"AWS_ACCESS_KEY_ID": s3.KEY, "AWS_SECRET_ACCESS_KEY": s3.SECRET}


@contextmanager
def team(
    folder: Path,
    *,
    replicas: bool = False,
    more: tuple[Mapping[str, str] | None, ...] = (None, None),
    objects: str | None = None,
    of_database: Mapping[str, str] | None = None,
    place_of_database: Path | None = None,
) -> Iterator[Team]:
    """`replicas`, `more`: of `Team`. `objects`: the URL of a bucket; None: of one of its own; empty: the folder.

    `of_database`, `place_of_database`: variables and folder of PostgreSQL.
    The environment has the keys of `s3`. Raises Unavailable of PostgreSQL or S3.
    """
    with ExitStack() as stack:
        servers = stack.enter_context(pair(of_database, place_of_database))
        bucket: s3.S3Server | None = None
        if objects is None:
            bucket = stack.enter_context(s3.running(folder / "s3"))
            objects = bucket.address
        made = Team(folder, servers, objects, replicas=replicas, more=more)
        made.bucket = bucket
        try:
            made.start()
            made.balancer = stack.enter_context(balancing([place.port for place in made.places]))
            yield made
        finally:
            made.close()
