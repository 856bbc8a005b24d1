"""Clients that work on whatever happens, each with a book of what was acknowledged, and what is found of it."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from faena import Model
from faena.kernel.errors import FaenaError
from tests.team.asking import Asker
from tests.team.ground import Team

_BATCH = 20


class Worker:
    """`acknowledged`: things; `longest`: seconds that one of them took; `told`: errors that it was given."""

    kind = ""

    def __init__(self, team: Team, who: int) -> None:
        self.team = team
        self.who = who
        self.acknowledged = 0
        self.longest = 0.0
        self.told: list[str] = []

    def step(self, number: int) -> None:
        """Do one thing. Raises FaenaError for what it is told, after which it goes on with the next."""
        raise NotImplementedError

    def finish(self) -> None:
        return

    def close(self) -> None:
        return

    def found(self) -> list[str]:
        """What is wrong with what is there."""
        raise NotImplementedError

    def work(self, over: threading.Event) -> None:
        for number in count(1):
            if over.is_set():
                break
            began = time.monotonic()
            try:
                self.step(number)
                self.acknowledged += 1
            except FaenaError as error:
                self.told.append(f"{type(error).__name__} after {time.monotonic() - began:.1f} s: {error}")
            self.longest = max(self.longest, time.monotonic() - began)
        self.finish()


class Points(Worker):
    """Of one run, one by one and in batches, by MLflow's protocol; and a tag that counts them."""

    kind = "points"

    def __init__(self, team: Team, who: int) -> None:
        super().__init__(team, who)
        self._asker = Asker(team.url, team.token)
        self._run = self._asker.new_run()
        self._logged: dict[str, list[tuple[float, int]]] = {}
        self._tag = 0

    def close(self) -> None:
        self._asker.close()

    def step(self, number: int) -> None:
        keys = ["loss"] if number % 2 else [f"m{each}" for each in range(_BATCH)]
        told = [{"key": key, "value": number / 7, "step": number, "timestamp": 1000 + number} for key in keys]
        if number % 2:
            self._asker.post("runs/log-metric", run_id=self._run, **told[0])
        else:
            self._asker.post("runs/log-batch", run_id=self._run, metrics=told)
        for key in keys:
            self._logged.setdefault(key, []).append((number / 7, number))
        self._asker.post("runs/set-tag", run_id=self._run, key="count", value=str(number))
        self._tag = number

    def found(self) -> list[str]:
        wrong = [
            text
            for key, logged in self._logged.items()
            for text in differences(f"points of {key}", logged, self._asker.history(self._run, key))
        ]
        tags = self._asker.get(f"runs/get?run_id={self._run}")["run"]["data"]["tags"]
        counted = next(int(tag["value"]) for tag in tags if tag["key"] == "count")
        if counted != self._tag:
            wrong.append(f"the tag is {counted}, and {self._tag} was acknowledged")
        return wrong


class Files(Worker):
    """Of one run, by MLflow's protocol."""

    kind = "files"

    def __init__(self, team: Team, who: int) -> None:
        super().__init__(team, who)
        self._asker = Asker(team.url, team.token)
        self._run = self._asker.new_run()
        self._chance = random.Random(who)
        self._sent: dict[str, str] = {}

    def close(self) -> None:
        self._asker.close()

    def step(self, number: int) -> None:
        data = self._chance.randbytes(self._chance.choice((50, 70_000, 600_000)))
        self._asker.put_file(self._run, f"{number}.bin", data)
        self._sent[f"{number}.bin"] = hashlib.sha256(data).hexdigest()

    def found(self) -> list[str]:
        return [
            f"file {name} came other than it was"
            for name, digest in self._sent.items()
            if hashlib.sha256(self._asker.file(self._run, name)).hexdigest() != digest
        ]


class Versions(Worker):
    """Of one model, by Faena's client. One that was told of an error may be there."""

    kind = "versions"

    def __init__(self, team: Team, who: int) -> None:
        super().__init__(team, who)
        self._workspace = team.connect()
        self._name = f"net-{who}"
        self._path = team.folder / f"weights-{who}"
        self._chance = random.Random(who)
        self._made: dict[int, bytes] = {}

    def step(self, number: int) -> None:
        data = self._chance.randbytes(self._chance.choice((50, 70_000, 2_000_000)))
        self._path.write_bytes(data)
        self._made[Model.register(self._workspace, str(self._path), self._name).version] = data

    def found(self) -> list[str]:
        there = {model.version: model for model in Model.list(self._workspace, name=self._name)}
        wrong = [f"version {each} is gone" for each in self._made if each not in there]
        if sorted(there) != list(range(1, len(there) + 1)):
            wrong.append(f"versions are {sorted(there)}")
        if len(there) > len(self._made) + len(self.told):
            wrong.append(f"{len(self._made)} were registered, and {len(there)} are there")
        for version in self._made.keys() & there.keys():
            path = Path(there[version].download(self.team.folder / f"got-{self.who}-{version}"))
            if path.read_bytes() != self._made[version]:
                wrong.append(f"version {version} came other than it was")
        return wrong


def differences(what: str, acknowledged: Sequence[object], found: Sequence[object]) -> list[str]:
    there, wanted = Counter(found), Counter(acknowledged)
    lost, doubled = wanted - there, {each: times for each, times in there.items() if times > 1}
    wrong = [f"{what}: {len(lost)} are lost, such as {next(iter(lost))}"] if lost else []
    if doubled:
        wrong.append(f"{what}: {len(doubled)} are there twice, such as {next(iter(doubled))}")
    if len(there - wanted) > 1:
        wrong.append(f"{what}: {len(there - wanted)} were never logged")
    return wrong


@contextmanager
def working(workers: Sequence[Worker]) -> Iterator[None]:
    """While the block goes on, and to the end of what each is at."""
    over = threading.Event()
    with ThreadPoolExecutor(len(workers)) as pool:
        going = [pool.submit(worker.work, over) for worker in workers]
        try:
            yield
        finally:
            over.set()
        for each in going:
            each.result()
