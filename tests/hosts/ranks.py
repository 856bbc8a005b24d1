"""A ChainerMN run on two hosts to which something happens: `python -m tests.hosts --ranks`.

A run whose rank, or a process above it, is killed has to end, to say who it was, and to leave nothing; one whose link
is cut goes on, or again from its checkpoint, and no step of an old attempt is made beside those of a new one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uv

from faena.testing.kills import processes
from faena.testing.kills.evidence import after
from faena.testing.waiting import until
from tests.hosts.ground import Lease, Site

PACKAGES = ("setuptools<70", "wheel", "numpy<1.24", "mpich>=4.2,<6", "mpi4py>=4,<5", "chainer==7.8.1")
HEAD = (
    "what happens                attempts  state (s)  ranks (s)  points doubled lost  at once (s)  left\n"
    "                            what it said"
)
_SOON = 5.0
_PATIENCE = 240.0
_SEEN = 0.3
_RUNNING = frozenset({"Running"})
_OPEN = ("Preparing", "Queued", "Starting", "Running", "NotResponding", "Finalizing")


@dataclass(slots=True)
class Found:
    name: str
    attempts: int = 0
    state_after: float | None = None
    """Seconds from what happened to the state that follows of it."""
    ranks_after: float | None = None
    """To the last step of any rank of the first attempt."""
    points: int = 0
    doubled: int = 0
    lost: int = 0
    overlap: float = 0.0
    left: int = 0
    said: str = ""
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        first = (
            f"{self.name:<28}{self.attempts:>8}  {_short(self.state_after):>9}  {_short(self.ranks_after):>9}"
        )
        rest = f"{self.points:>7} {self.doubled:>7} {self.lost:>4}  {self.overlap:>11.2f}  {self.left:>4}"
        wrong = f"\n    WRONG: {'; '.join(self.wrong)}" if self.wrong else ""
        return f"{first} {rest}\n    {self.said}{wrong}"


def _short(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


class Ranks:
    """Two nodes of a site, on which a run trains."""

    def __init__(self, site: Site, interpreter: str, losses: int) -> None:
        self.site = site
        here = Path(__file__).with_name("mpi_training.py")
        shutil.copy(here, site.server.path("/tmp/source") / "train.py")
        self.runners = [site.join(host) for host in site.nodes]
        tcp = {"UCX_TLS": "tcp,self"}  # else what they say goes through memory that the hosts share
        self.run = site.submit(
            interpreter=interpreter,
            node_count=2,
            distributed_backend="mpi",
            max_node_losses=losses,
            environment_variables=tcp,
        )
        self.until_steps(1)

    def steps(self) -> dict[int, dict[int, list[tuple[int, float]]]]:
        """By attempt and rank: numbers and times."""
        found: dict[int, dict[int, list[tuple[int, float]]]] = {}
        for host in self.site.nodes:
            path = host.path("/tmp/confirmed")
            text = path.read_text() if path.exists() else ""
            for line in text.rpartition("\n")[0].splitlines():
                attempt, rank, what, value, at = line.split()
                if what == "step":
                    found.setdefault(int(attempt), {}).setdefault(int(rank), []).append(
                        (int(value), float(at))
                    )
        return found

    def until_steps(self, attempt: int, more_than: int = 40) -> None:
        def steps() -> bool:
            if (status := self.site.status(self.run)) not in _OPEN:
                raise AssertionError(f"it is {status}: {self.site.ask(f'/runs/{self.run}')['error']}")
            ranks = self.steps().get(attempt, {})
            return len(ranks) == 2 and all(len(each) > more_than for each in ranks.values())

        until(steps, f"attempt {attempt} trains", seconds=_PATIENCE)

    def pid(self, node: int, what: str) -> int:
        """Of the process `what` on a node."""
        for pid in self.site.nodes[node].processes():
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            is_rank = "train.py" in words and "wrapper.py" not in words and "mpi4py" in words
            is_it = {
                "guard": name == "faena-guard",
                "proxy": "hydra_pmi_proxy" in words.split("\0")[0],
                "mpiexec": "mpiexec" in words.split("\0")[0],
                "launcher": "launcher.py" in words,
                "wrapper": "wrapper.py" in words and "hydra" not in words.split("\0")[0],
                "rank": is_rank
                and name.startswith("python")
                and "hydra" not in words
                and "mpiexec" not in words,
            }
            if is_it[what]:
                return pid
        raise AssertionError(f"there is no {what} on node {node}")


Story = tuple[str, Callable[[Ranks, Found], None], int]
"""Its name, what happens, and how many losses of nodes the run bears."""


def stories(lease: Lease) -> Iterator[Story]:
    yield "rank killed", lambda ranks, found: _killed(ranks, found, 1, "rank", "rank 1 (node 1)"), 0
    yield "wrapper killed", lambda ranks, found: _killed(ranks, found, 1, "wrapper", "rank 1 (node 1)"), 0
    yield "proxy killed", lambda ranks, found: _killed(ranks, found, 1, "proxy", "node 1"), 0
    yield "mpiexec killed", lambda ranks, found: _killed(ranks, found, 0, "mpiexec", "node 0"), 0
    yield "launcher killed", lambda ranks, found: _killed(ranks, found, 1, "launcher", "node 1"), 0
    yield "guard killed", lambda ranks, found: _killed(ranks, found, 1, "guard", "guard"), 0
    yield "runner killed, again there", _runner_killed, 3
    yield "link cut 4 s", lambda ranks, found: _cut(ranks, found, 4.0, _RUNNING, lease), 3
    yield (
        "link cut 20 s",
        lambda ranks, found: _cut(ranks, found, 20.0, _RUNNING | {"NotResponding"}, lease),
        3,
    )
    yield "link cut 90 s", lambda ranks, found: _cut(ranks, found, 90.0, None, lease), 3


def _killed(ranks: Ranks, found: Found, node: int, what: str, names: str) -> None:
    victim = ranks.pid(node, what)
    at, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
    os.kill(victim, signal.SIGKILL)
    ranks.site.until_status(ranks.run, "Failed", "Completed", "Canceled", seconds=_PATIENCE)
    found.state_after = time.monotonic() - at
    found.ranks_after = max(0.0, _last(ranks, 1) - boot)
    view = ranks.site.ask(f"/runs/{ranks.run}")
    found.said = view["error"]["message"] if view["error"] else view["status"]
    others = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) / 4)  # who have the cores, too
    if found.state_after > _SOON * others:
        found.wrong.append(f"it had ended after {found.state_after:.1f} s")
    if names not in found.said:
        found.wrong.append(f"{names} is not named")


def _runner_killed(ranks: Ranks, found: Found) -> None:
    runner = ranks.runners[1]
    at, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
    runner.kill()
    runner.wait()
    ranks.runners[1] = ranks.site.join(ranks.site.nodes[1])
    ranks.until_steps(2)
    found.state_after = time.monotonic() - at
    found.ranks_after = max(0.0, _last(ranks, 1) - boot)
    _go_on(ranks, found)


def _cut(ranks: Ranks, found: Found, seconds: float, states: frozenset[str] | None, lease: Lease) -> None:
    at, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
    seen: dict[str, float] = {}
    with ranks.site.nodes[1].away():
        over = after(seconds)
        until(lambda: _look(ranks, seen, at) and over(), "the cut is over", seconds=seconds + 60)
    healed = after(5.0)
    until(lambda: _look(ranks, seen, at) and healed(), "it is healed for a while", seconds=90)
    if states is None:
        ranks.until_steps(2)
        found.ranks_after = max(0.0, _last(ranks, 1) - boot)
    else:
        before = len(ranks.steps()[1][0])
        until(lambda: len(ranks.steps()[1][0]) > before + 20, "the same attempt goes on", seconds=90)
        if not set(seen) <= states:
            found.wrong.append(f"it was {', '.join(set(seen) - states)}")
    found.state_after = seen.get("NotResponding")
    found.said = ", ".join(f"{state} after {when:.1f} s" for state, when in seen.items())
    _go_on(ranks, found)


def _look(ranks: Ranks, seen: dict[str, float], since: float) -> bool:
    seen.setdefault(ranks.site.status(ranks.run), time.monotonic() - since)
    return True


def _go_on(ranks: Ranks, found: Found) -> None:
    """To its end, with all that was logged."""
    ranks.site.release()
    ranks.site.until_status(ranks.run, "Completed", "Failed", seconds=_PATIENCE)
    view = ranks.site.ask(f"/runs/{ranks.run}")
    found.said += "".join(f" | {note['code']}: {note['message'][:160]}" for note in view["notes"])
    if view["status"] != "Completed":
        found.wrong.append(f"{view['status']}: {view['error']['message'][:300]}")


def _last(ranks: Ranks, attempt: int) -> float:
    return max(at for steps in ranks.steps()[attempt].values() for _, at in steps)


def tried(story: Story, folder: Path, lease: Lease, interpreter: str) -> Found:
    name, happen, losses = story
    found = Found(name)
    with Site(folder, lease, 2) as site:
        ranks = Ranks(site, interpreter, losses)
        happen(ranks, found)
        _judge(ranks, found)
    return found


def _judge(ranks: Ranks, found: Found) -> None:
    steps = ranks.steps()
    found.attempts = len(steps)
    patience = after(90.0)
    until(lambda: patience() or not _count(ranks, found), "all has come", seconds=150)
    for attempt in sorted(steps)[1:]:
        began = min(at for each in steps[attempt].values() for _, at in each)
        found.overlap = max(found.overlap, _last(ranks, attempt - 1) - began)
        if found.overlap > _SEEN:
            found.wrong.append(
                f"attempts {attempt - 1} and {attempt} trained at once for {found.overlap:.2f} s"
            )
    over = after(30.0)
    until(lambda: over() or not processes.of_run(ranks.run), "nothing of the run lives", seconds=90)
    found.left = len(processes.of_run(ranks.run))
    if found.lost or found.doubled or found.left:
        found.wrong.append("lost, doubled or left")


def _count(ranks: Ranks, found: Found) -> int:
    """Points that are lost, of all attempts: rank 0 may have said a step that it had no time to log."""
    found.points = found.doubled = found.lost = 0
    for attempt, each in ranks.steps().items():
        logged = ranks.site.ask(f"/runs/{ranks.run}/metrics?attempt={attempt}").get("n", [])
        points = [int(value) for value in (logged if isinstance(logged, list) else [logged])]
        confirmed = [number for number, _ in each.get(0, [])]
        found.points += len(points)
        found.doubled += len(points) - len(set(points))
        found.lost += len(set(confirmed[:-1]) - set(points))
    return found.lost


@contextmanager
def interpreter() -> Iterator[str]:
    """A Python with ChainerMN that all hosts have in one place: a namespace has no package index."""
    folder = Path(tempfile.mkdtemp(prefix="faena-mpi-", dir="/var/tmp"))
    python, program = str(folder / "bin" / "python"), uv.find_uv_bin()
    install = [program, "pip", "install", "--quiet", "--python", python]
    try:
        made = [program, "venv", "--quiet", "--python", sys.executable, str(folder), "--clear"]
        subprocess.run(made, check=True)
        subprocess.run([*install, *PACKAGES[:2]], check=True)
        subprocess.run([*install, "--no-build-isolation", *PACKAGES], check=True)
        yield python
    finally:
        shutil.rmtree(folder)


def campaign(base: Path, lease: Lease, only: list[str]) -> bool:
    """Tell of each; whether nothing was wrong."""
    clean = True
    print(HEAD, flush=True)
    with interpreter() as python:
        for number, story in enumerate(stories(lease)):
            if not all(word in story[0] for word in only):
                continue
            try:
                found = tried(story, base / f"ranks{number}", lease, python)
            except AssertionError as error:  # a finding, too: the next one goes on
                found = Found(story[0], wrong=[str(error)[:600]])
            clean = clean and not found.wrong
            print(found, flush=True)
    return clean
