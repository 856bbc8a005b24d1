"""Real fronts with real workers, and clients that count what they get."""

from __future__ import annotations

import os
import signal
import socket as sockets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from faena.kernel.discovery import child_environment
from faena.scoring import desired, status
from faena.scoring.desired import Endpoint, Revision
from faena.scoring.history import Recent
from faena.scoring.status import Status
from faena.testing.waiting import until
from tests.scoring.listening import Client, Got

ANSWERS = """
import json, os, time
def init(): pass
def run(data):
    given = json.loads(data)
    if given == "pid":
        return os.getpid()
    if given == "die":
        os._exit(3)
    if given == "sleep":
        time.sleep(1.0)
    return {number}
"""
KEY = "Authorization: Bearer key\r\n"


@dataclass
class House:
    """The folder of an endpoint, and the front that runs in it."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def revision(self, number: int, script: str = ANSWERS, **how: Any) -> Revision:
        app = self.folder / "revisions" / str(number) / "app"
        app.mkdir(parents=True, exist_ok=True)
        (app / "score.py").write_text(script.replace("{number}", str(number)))
        return Revision(id=number, python=sys.executable, app=str(app), entry="score.py", **how)

    def want(self, *revisions: Revision, tell: bool = True, **how: Any) -> None:
        made = Endpoint(**{"name": "digits", "keys": ["key"], "revisions": list(revisions), **how})
        desired.write(self.folder, made)
        if tell and self.processes:
            os.kill(self.pid, signal.SIGHUP)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        (self.folder / "logs").mkdir(exist_ok=True)
        with (self.folder / "logs" / "front.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "faena.scoring", str(self.folder), *arguments],
                stdout=log,
                stderr=log,
                env=child_environment(),
            )
        self.processes.append(process)
        return process

    @property
    def pid(self) -> int:
        return int((self.folder / "front.lock").read_text())

    @property
    def status(self) -> Status:
        found = status.read(self.folder)
        assert found is not None
        return found

    @property
    def port(self) -> int:
        assert self.status.port is not None
        return self.status.port

    @property
    def log(self) -> str:
        return (self.folder / "logs" / "front.log").read_text()

    def serves(self, *numbers: int) -> None:
        """Wait until these do."""

        def look() -> bool:
            found = status.read(self.folder)
            living = [process.pid for process in self.processes if process.poll() is None]
            return found is not None and found.serving == list(numbers) and found.pid in living

        until(look, f"revisions {numbers} answer: {self.log}")

    def workers(self) -> list[int]:
        return [
            worker.pid
            for revision in self.status.revisions.values()
            for worker in revision.workers
            if worker.pid is not None
        ]

    def ask(self, body: object = 1, path: str = "/score") -> Got:
        with Client(self.port) as client:
            return client.ask(path, msgspec.json.encode(body), headers=KEY)

    def look(self) -> int:
        """A look at its health: by its answer, the front has read what was sent before."""
        with Client(self.port) as client:
            return max(client.ask("/", method="GET", headers=KEY).status for _ in range(2))

    def counted(self) -> Counter[int]:
        """Of /metrics: answers by status, those of /score alone."""
        with Client(self.port) as client:
            text = client.ask("/metrics", method="GET", headers=KEY).body.decode()
        found: Counter[int] = Counter()
        for line in text.splitlines():
            if line.startswith('faena_requests_total{route="/score"'):
                found[int(line.split('status="')[1].split('"')[0])] += int(line.rpartition(" ")[2])
        return found

    def recent(self) -> Recent:
        """What it did lately."""
        with Client(self.port) as client:
            body = client.ask("/metrics/recent", method="GET", headers=KEY).body
        return msgspec.json.decode(body, type=Recent)

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def house(folder: Path) -> Iterator[House]:
    made = House(folder)
    try:
        yield made
    finally:
        made.end()


class Load:
    """Clients that ask again and again, some on one connection, some on a new one each time."""

    def __init__(self, port: int, *, lasting: int = 4, fresh: int = 2) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.bodies: Counter[bytes] = Counter()
        self.broken: list[str] = []
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._last) for _ in range(lasting)]
        self._threads += [threading.Thread(target=self._afresh) for _ in range(fresh)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(60)

    def more(self, count: int) -> None:
        """Wait for so many more answers."""
        before = self.statuses.total()
        until(lambda: self.broken or self.statuses.total() >= before + count, f"{count} more answers")

    def _last(self) -> None:
        try:
            with Client(self.port) as client:
                while not self._ends.is_set():
                    self._ask(client)
        except (OSError, AssertionError) as error:
            self.broken.append(f"lasting: {error!r}")

    def _afresh(self) -> None:
        while not self._ends.is_set():
            try:
                with Client(self.port) as client:
                    client.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    self._ask(client)
            except (OSError, AssertionError) as error:
                self.broken.append(f"fresh: {error!r}")
                return
            time.sleep(0.002)

    def _ask(self, client: Client) -> None:
        got = client.ask("/score", b"1", headers=KEY)
        with self._lock:
            self.statuses[got.status] += 1
            self.bodies[got.body if got.status == 200 else b""] += 1
