"""Who waits for one short request looks before it sleeps: nothing is lost, and nobody looks in vain for long."""

from __future__ import annotations

import os
import platform
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.scoring import looking
from faena.scoring.looking import Looking
from faena.scoring.shared_memory import SharedMemory
from faena.scoring.worker import cores, memory, turns, waiting, wire
from tests.scoring.pools import Asked, run, site, until


class Worker:
    """`ready`: whether there is an answer, asked at each look."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self.sent = [1]
        self.told: list[bool] = []
        self.times_found = 0
        self.has_answers = ready

    def look(self, looking: bool) -> None:
        self.told.append(looking)

    def found(self) -> None:
        self.times_found += 1


@pytest.fixture
def selector(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(looking, "can_look", lambda: True)
    with Looking() as made:
        yield made


def test_an_answer_is_found_without_a_word(selector: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_LONGEST", 120.0)  # however busy this machine is
    monkeypatch.setattr(looking, "_MARGIN", 60.0)
    looks = iter([False] * 40 + [True])
    worker = Worker(lambda: next(looks))
    selector.expect(worker, 0.0001)
    assert selector.select() == []
    assert worker.times_found == 1
    assert worker.told == [True, False]


def test_what_was_put_while_somebody_looked_elsewhere_is_found_before_the_front_sleeps(
    selector: Looking,
) -> None:
    ready = False
    worker = Worker(lambda: ready)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        selector.register(ours, selectors.EVENT_READ)
        theirs.send(b"x")
        selector.expect(worker, 0.0001)
        assert (
            len(selector.select()) == 1
        )  # and meanwhile the worker answers, and has been told to say nothing
        assert worker.told == [True, False]
        ready = True
        ours.recv(1)
        worker.sent.append(2)  # so that nobody looks
        assert selector.select() == []
        assert worker.times_found == 1


def test_where_looks_are_in_vain_nobody_looks_for_a_while(selector: Looking) -> None:
    worker = Worker(lambda: False)
    for _ in range(20):
        selector.expect(worker, 0.0001)
        selector.select(0.0001)
    assert worker.told == [True, False]


def test_no_long_request_is_looked_for(selector: Looking) -> None:
    worker = Worker(lambda: False)
    selector.expect(worker, 1.0)
    selector.select(0.0001)
    assert worker.told == []


class Sender:
    """Requests for a worker, in memory and socket as a front sends them."""

    def __init__(self) -> None:
        self.memory = SharedMemory()
        theirs = memory.Memory(self.memory.descriptor)
        self.cells = theirs.cells
        self.ours, self.theirs = socket.socketpair()
        self.yields = 0
        self.after: Callable[[], None] = lambda: None
        self.waiting = waiting.Waiting(self.theirs, theirs.cells)
        self.waiting._can_look = True
        self._number = 0

    def yielded(self) -> None:
        self.yields += 1
        self.after()

    def send(self, count: int = 1) -> None:
        self._number += count
        self.ours.send(b"r" * count)
        self.memory.note_sent(self._number)

    def take(self) -> int:
        got = self.waiting.read(bytearray(64))
        self.cells[wire.RUNNING] = self._number
        return got


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    made = Sender()
    monkeypatch.setattr(os, "sched_yield", made.yielded)
    monkeypatch.setattr(waiting, "_SHORT", 60.0)  # however busy this machine is
    with made.ours, made.theirs:
        yield made


def test_a_worker_looks_for_the_next_request_where_they_come_one_by_one(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_LOOK", 60.0)
    for _ in range(12):
        sender.send()
        assert sender.take() == 1
    assert sender.yields == 0  # each was there already
    sender.after = sender.send
    assert sender.take() == 1
    assert sender.yields == 1


def test_a_worker_that_looked_in_vain_sleeps_and_then_looks_no_more(sender: Sender) -> None:
    for _ in range(12):
        sender.send()
        sender.take()
    for _ in range(2):
        later = threading.Timer(0.02, sender.send)
        later.start()
        assert sender.take() == 1
        later.join()
        looked, sender.yields = sender.yields, 0
    assert looked == 0


def test_a_worker_that_gets_several_at_a_time_does_not_look(sender: Sender) -> None:
    for _ in range(20):
        sender.send(2)
        sender.take()
    later = threading.Timer(0.02, sender.send)
    later.start()
    sender.take()
    later.join()
    assert sender.yields == 0


def test_each_of_many_requests_one_after_the_other_is_answered(tmp_path: Path) -> None:
    """By a worker that looks, in a front that looks, where these have two cores."""

    async def test() -> None:
        async with site(tmp_path) as here:

            def again(asked: Asked) -> None:
                if len(here.asked) < 500:
                    here.ask(str(len(here.asked)), then=again)

            here.ask("0", then=again)
            await until(lambda: len(here.asked) == 500 and here.asked[-1].answers, "all are answered")
            assert [asked.json for asked in here.asked] == list(range(500))

    run(test)


def test_a_process_that_asks_for_short_turns_keeps_its_niceness() -> None:
    """The kernel tells of turns where it was built to."""
    script = """
import os
from faena.scoring.worker import turns
def slice():
    try:
        return [int(line.split()[-1]) for line in open("/proc/self/sched") if line.startswith("se.slice ")]
    except OSError:
        return []
os.nice(3)
before = slice()
turns.be_short()
print(os.nice(0), before, slice())
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    nice = f"{min(os.nice(0) + 3, 19)} "
    version = tuple(int(part) for part in platform.release().split(".")[:2])
    if "[]" in said or version < (6, 12) or platform.machine() not in ("x86_64", "aarch64"):
        assert said.startswith(nice)
    else:
        assert said.startswith(nice) and said.rstrip().endswith(f" [{turns.NANOSECONDS}]")


@pytest.mark.parametrize(
    ("own", "files", "most"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/a/b\n", {"a/cpu.max": "20000 100000\n", "a/b/cpu.max": "max 100000\n"}, 0.2),
        (
            "4:cpu,cpuacct:/a\n1:name=systemd:/x\n",
            {"cpu/a/cpu.cfs_quota_us": "30000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            0.3,
        ),
        ("4:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, None),
        ("strange", {}, None),
    ],
)
def test_what_control_groups_give_counts(
    own: str, files: dict[str, str], most: float | None, tmp_path: Path
) -> None:
    """In a container with a fraction of a core, looking would use up what answers need."""
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "own").write_text(own)
    found = cores.available(str(tmp_path / "groups"), str(tmp_path / "own"))
    assert found == (len(os.sched_getaffinity(0)) if most is None else most)
