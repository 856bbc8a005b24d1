"""A run on another host to which something happens, and what must be true of it in the end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faena.testing.kills import processes
from faena.testing.kills.evidence import after
from faena.testing.kills.records import NOTHING, Count
from faena.testing.waiting import until
from tests.hosts.ground import Lease, Lived, Site
from tests.hosts.namespaces import Host

HERE, THERE = 0, 1
"""The host on which the run begins, and the other one, which idles until then."""
HEAD = (
    "                                   ------ points and lines -----  two at  none at  again      \n"
    "what happens               attempt written  found doubled lost   once (s) once (s) writ bad left"
)
_SEEN = 0.1
"""Seconds for which two scripts may seem to live at once: less than a few of their steps."""
_LEAST = 20
_PATIENCE = 120.0


@dataclass(slots=True)
class Scene:
    """A run that logs on the first of the hosts, while the other one idles."""

    site: Site
    runners: list[subprocess.Popen[bytes]]
    run: str = ""
    seen: set[str] = field(default_factory=set)
    """States that the run was in while something happened to it."""

    @property
    def host(self) -> Host:
        return self.site.nodes[HERE]

    @property
    def runner(self) -> subprocess.Popen[bytes]:
        return self.runners[HERE]

    def status(self) -> str:
        found = self.site.status(self.run)
        self.seen.add(found)
        return found

    def pass_time(self, seconds: float) -> None:
        over = after(seconds)
        until(lambda: bool(self.status()) and over(), "the time is over", seconds=seconds + 60)

    def until_status(self, wanted: str, seconds: float) -> None:
        until(lambda: self.status() == wanted, f"the run is {wanted}", seconds=seconds)

    def note(self, code: str) -> str:
        notes = self.site.ask(f"/runs/{self.run}")["notes"]
        return next((str(each["message"]) for each in notes if each["code"] == code), "")

    def until_attempt(self, number: int, seconds: float) -> None:
        until(lambda: self._logs(number), f"attempt {number} logs", seconds=seconds)

    def until_checkpoint(self) -> None:
        """The server has one of the first attempt: no later one goes on from what was only on its host."""
        until(
            lambda: self.site.ask(f"/attempts/{self.run}/1/0/checkpoint"),
            "a checkpoint came",
            seconds=_PATIENCE,
        )

    def until_back(self) -> None:
        """The first host has joined again, and waits for work."""
        name = self.site.name(self.host)
        until(
            lambda: self.site.machine(name)["state"] == "idle", f"{name} has joined again", seconds=_PATIENCE
        )

    def start_again(self) -> None:
        self.runners[HERE] = self.site.join(self.host)

    def submit(self, **options: object) -> None:
        self.run = self.site.submit(max_node_losses=3, **options)

    def join_other(self) -> None:
        self.runners.append(self.site.join(self.site.nodes[THERE]))

    def pid(self, name: str) -> int:
        """Of the guard or the script on the first host."""
        for pid in self.host.processes():
            what = Path(f"/proc/{pid}/comm").read_text().strip()
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if what == "faena-guard" if name == "guard" else b"train.py" in words and what != "faena-guard":
                return pid
        raise AssertionError(f"there is no {name}")

    def kill(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGKILL)

    def _logs(self, attempt: int) -> bool:
        lived = self.site.lived().get(attempt)
        return lived is not None and len(lived.points) > _LEAST


@dataclass(frozen=True, slots=True)
class Story:
    """`happen`: what is done, until what follows of it is there. `attempts`: that the run takes."""

    name: str
    happen: Callable[[Scene], None]
    attempts: int
    states: frozenset[str] | None = None
    """Those that the run may be seen in meanwhile; None: any."""
    retries: int = 0
    moved: bool = False
    """Whether the second attempt is on the other host."""
    outputs: int = 0
    """Large files that the script leaves."""
    unbegun: int = 0
    """Attempts whose script never started; then the run is submitted by what happens."""


@dataclass(slots=True)
class Found:
    name: str
    count: Count = NOTHING
    attempts: int = 0
    overlap: float = 0.0
    gap: float = 0.0
    """Seconds in which no script lived, between the first and the second."""
    went_back: int = 0
    """Numbers that the second attempt wrote again, since its checkpoint is before them."""
    wrong: list[str] = field(default_factory=list)
    left: int = 0

    @property
    def is_clean(self) -> bool:
        count = self.count
        return not (self.wrong or self.left or count.lost or count.doubled or count.invented)

    def __str__(self) -> str:
        count, several = self.count, self.attempts > 1
        gap, again = (f"{self.gap:.1f}", str(self.went_back)) if several else ("-", "-")
        counts = f"{count.written:>7} {count.found:>6} {count.doubled + count.invented:>7} {count.lost:>4}"
        at_once = f"{max(0.0, self.overlap):.2f}" if several else "-"
        return (
            f"{self.name:<26} {self.attempts:>7} {counts} {at_once:>10} {gap:>8} {again:>4} {len(self.wrong):>3} "
            f"{self.left:>4}"
        )


def tried(story: Story, folder: Path, lease: Lease) -> Found:
    """Have it happen to a run, and bring that to its end."""
    with Site(folder, lease, 2) as site:
        scene = Scene(site, [site.join(site.nodes[HERE])])
        if not story.unbegun:
            variables = {"LIVING_OUTPUTS": str(story.outputs)}
            scene.submit(max_retries=story.retries, environment_variables=variables)
            scene.until_attempt(1, _PATIENCE)
            scene.join_other()
            scene.until_checkpoint()
        story.happen(scene)
        scene.until_attempt(story.attempts, _PATIENCE)
        return _judged(story, scene)


def _judged(story: Story, scene: Scene) -> Found:
    site, run, found = scene.site, scene.run, Found(story.name)
    site.release()
    site.until_status(run, "Completed", "Failed", "Canceled", seconds=_PATIENCE)
    view, lived = site.ask(f"/runs/{run}"), site.lived()
    found.attempts = len(lived)
    begun = story.attempts - story.unbegun
    if (view["status"], view["attempt"], len(lived)) != ("Completed", story.attempts, begun):
        found.wrong.append(f"{view['status']} after {view['attempt']} attempts: {view['error']}")
    if story.states is not None and not scene.seen <= story.states:
        found.wrong.append(f"it was {', '.join(scene.seen - story.states)}")
    if len(lived) > 1:
        _compare(story, found, [lived[number] for number in sorted(lived)])
    names = {"outputs/end.txt", *(f"outputs/{part}.bin" for part in range(story.outputs))}
    over = after(_PATIENCE)
    until(lambda: over() or names <= _files(scene), "all files are there", seconds=_PATIENCE + 60)
    if missing := names - _files(scene):
        found.wrong.append(f"{', '.join(missing)} did not come")
    over = after(_PATIENCE)
    until(lambda: over() or not site.count(run).lost, "all has come", seconds=_PATIENCE + 60)
    found.count = site.count(run)
    over = after(30.0)
    until(lambda: over() or not processes.of_run(run), "nothing of the run lives", seconds=90)
    found.left = len(processes.of_run(run))
    return found


def _files(scene: Scene) -> set[str]:
    return {each["name"] for each in scene.site.ask(f"/runs/{scene.run}/files")}


def _compare(story: Story, found: Found, lived: Sequence[Lived]) -> None:
    first, second = lived[:2]
    found.overlap = first.last - second.began
    found.gap = max(0.0, -found.overlap)
    found.went_back = first.points[-1] - second.began_at
    if found.overlap > _SEEN:
        found.wrong.append(f"two scripts lived at once for {found.overlap:.2f} s")
    if second.began_at == 0:
        found.wrong.append("the second attempt began anew")
    if story.moved and (first.host, second.host) != (HERE, THERE):
        found.wrong.append(f"attempts were on hosts {first.host} and {second.host}")
