"""Real fronts with real workers."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from faena.kernel import discovery
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

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        log = self.folder / "logs" / "front.log"
        log.parent.mkdir(exist_ok=True)
        process = discovery.start_module(
            "faena.scoring", [str(self.folder), *arguments], log=log, stdin=stdin
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
        return counted_at(self.port, "key")

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


def counted_at(port: int, key: str, tls: ssl.SSLContext | None = None) -> Counter[int]:
    """Of /metrics: answers by status, those of /score alone."""
    with Client(port, tls) as client:
        got = client.ask("/metrics", method="GET", headers=f"Authorization: Bearer {key}\r\n")
    found: Counter[int] = Counter()
    for line in got.body.decode().splitlines():
        if line.startswith('faena_requests_total{route="/score"'):
            found[int(line.split('status="')[1].split('"')[0])] += int(line.rpartition(" ")[2])
    return found
