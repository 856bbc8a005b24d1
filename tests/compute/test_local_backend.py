"""Nodes as processes of this machine, by the contract."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faena.compute.backends.local import LocalBackend
from faena.compute.contract import Backend
from faena.kernel.discovery import Rendezvous, try_lock
from faena.testing.compute import TENDED, StartingBackendContract
from faena.testing.waiting import until


@pytest.fixture
def folder(surroundings: Path, tmp_path: Path) -> Iterator[Path]:
    """Of a workspace whose server can neither be reached nor started: its place is taken."""
    folder = tmp_path / ".faena"
    folder.mkdir()
    taken = try_lock(Rendezvous(folder).election)
    assert taken is not None
    yield folder
    for pid in (pid for pids in _processes(folder).values() for pid in pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os.close(taken)


@pytest.fixture
def make_backend(folder: Path) -> Callable[[], Backend]:
    return lambda: LocalBackend(folder)


@pytest.fixture
def tended(folder: Path) -> Callable[[], list[str]]:
    return lambda: [name for name, pids in _processes(folder).items() for _ in pids if name == TENDED]


@pytest.fixture
def kill(folder: Path) -> Callable[[str], None]:
    def kill_all(name: str) -> None:
        # the words of a process that has just come to be are yet to be seen
        for pid in until(lambda: _processes(folder)[name], f"{name} is there"):
            os.kill(pid, signal.SIGKILL)

    return kill_all


def _processes(folder: Path) -> dict[str, list[int]]:
    """Nodes, and what is tended, by name: `python -P -m faena.node VERB FOLDER SUBJECT`."""
    found: dict[str, list[int]] = defaultdict(list)
    for process in Path("/proc").iterdir():
        try:
            line = (process / "cmdline").read_bytes() if process.name.isdigit() else b""
        except OSError:
            continue
        words = os.fsdecode(line).split("\0")  # somebody else's may be no UTF-8
        if words[2:4] == ["-m", "faena.node"] and words[5] == str(folder):
            name = words[6] if words[4] == "serve" else f"{words[4]}-{words[6].replace('/', '-')}"
            found[name].append(int(process.name))
    return found


class TestLocal(StartingBackendContract):
    pass


def test_what_dies_again_and_again_is_tried_more_and_more_seldom(folder: Path) -> None:
    now = 0.0
    backend = LocalBackend(folder, monotonic=lambda: now)
    started: list[float] = []
    while now < 120:
        backend.tend("none", ("no-such-verb", "none"))
        for child in list(backend._children.values()):
            child.kill()
            child.wait(120)
            started.append(now)
            backend._children.clear()
        now += 0.5
    gaps = [later - earlier for earlier, later in itertools.pairwise(started)]
    assert 2 < len(started) < 12
    assert gaps == sorted(gaps)


def test_a_node_that_began_before_the_workspace_was_moved_is_seen(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old" / ".faena"
    lock = try_lock(Rendezvous(old).lock_of("node-1"))
    assert lock is not None
    assert LocalBackend(folder).alive() == set()
    assert LocalBackend(folder, moved_from=str(old)).alive() == {"node-1"}
    os.close(lock)
    assert LocalBackend(folder, moved_from=str(old)).alive() == set()
