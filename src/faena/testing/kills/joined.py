"""Joined nodes on this very machine, with folders of their own; what the attempts of runs on them hold is counted."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faena.client.compute.joined_cluster import JoinedCluster
from faena.client.runs.experiment import Experiment
from faena.client.runs.run import Run
from faena.client.submission.estimator import Estimator
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel.discovery import child_environment
from faena.kernel.errors import FaenaError
from faena.kernel.transport import segment
from faena.testing.kills.evidence import Result
from faena.testing.kills.ground import EXPERIMENT, HERE, Case, Site
from faena.testing.kills.records import Count

CLUSTER = "far"
LOOPBACK = "127.0.0.1"
_LOG = "azureml-logs/70_driver_log.txt"
_LEAVING = 60.0


@dataclass(slots=True)
class Machine:
    """`place`: all that it has of a disk. Its runner has the runtime folder of who starts it."""

    name: str
    place: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, url: str, token: str) -> None:
        (self.place / "tmp").mkdir(parents=True, exist_ok=True)
        own = {
            "HOME": str(self.place),
            "FAENA_HOME": str(self.place / "home"),
            "TMPDIR": str(self.place / "tmp"),
            "FAENA_TOKEN": token,
        }
        command = [sys.executable, "-P", "-m", "faena.node.join", url, "--name", self.name, "--cores", "1"]
        with (self.place / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=child_environment() | own,
                cwd=self.place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def leave(self) -> None:
        """As it does in good order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(_LEAVING)


class FarSide:
    """A joined cluster with its machines. `address`: where the server listens for nodes."""

    def __init__(self, site: Site, machines: int, address: str = LOOPBACK) -> None:
        self._site = site
        site.workspace.api.nodes.listen(ListenerRequest(address))
        self.cluster = JoinedCluster.create(site.workspace, CLUSTER, max_nodes=machines, cores_per_node=1)
        self._made = self.cluster.join_token()
        self.machines = [Machine(f"{CLUSTER}-{n}", site.folder / f"{CLUSTER}-{n}") for n in range(machines)]
        shutil.copy(HERE / "counted.py", site.source)
        for machine in self.machines:
            self.start(machine)

    def start(self, machine: Machine) -> None:
        machine.start(self._made.url, self._made.token)

    def of_run(self, run_id: str) -> Machine | None:
        """Whose node has the run, if its runner lives."""
        seen = {each.name for each in self.cluster.nodes() if each.run_id == run_id}
        return next((each for each in self.machines if each.name in seen and each.lives), None)

    def submit(self, case: Case, last: int) -> Run:
        variables = {"KILLS_ALONE": str(case.folder / "alone"), "KILLS_COUNT": str(last)}
        estimator = Estimator(
            str(self._site.source),
            entry_script="counted.py",
            compute_target=CLUSTER,
            environment_variables=variables,
            interpreter=sys.executable,
            max_node_losses=20,  # a machine that is busy enough is silent by itself now and then
        )
        return Experiment(self._site.workspace, EXPERIMENT).submit(estimator, tags={"case": case.name})

    def close(self) -> None:
        """The machines leave, and nobody is listened for."""
        for machine in self.machines:
            machine.leave()
        self._site.workspace.api.nodes.listen_no_more()


def check(run: Run, last: int, folder: Path, result: Result) -> None:
    """What the attempts of a run that has ended hold together, into `result`: no number twice in one, none missing.

    What was brought late is looked for by whoever asks again.
    """
    view = run.refresh()
    result.points = result.lines = Count()
    result.wrong = []
    if view.status != "Completed":
        result.wrong.append(f"{run.id} ends as {view.status}: {view.error and view.error.message}")
    points: list[list[int]] = []
    printed: list[list[int]] = []
    for attempt in range(1, view.attempt + 1):
        points.append(_points(run, attempt))
        text = _log(run, attempt, folder)
        printed.append([int(each) for each in re.findall(r"^(\d+)\.$", text, re.MULTILINE)])
        mistakes = _mistakes(text, printed[-1], points)
        result.wrong += [f"{run.id}, attempt {attempt}: {why}" for why in mistakes]
    result.points, result.lines = _count(points, last), _count(printed, last)


def _mistakes(text: str, lines: Sequence[int], points: Sequence[Sequence[int]]) -> Iterator[str]:
    """Of the latest of `points`, and the log of that attempt."""
    found = points[-1]
    began = re.match(r"from (\d+)\n", text)
    if began is None:
        if found:
            yield f"its log does not say where it began, and it holds {len(found)} points"
        return
    first = int(began[1])
    if list(found) != list(range(first + 1, first + 1 + len(found))):
        yield f"it began at {first} and holds {list(found)}"
    if list(lines) not in (list(found), list(found)[:-1]):  # killed between the point and its line
        yield f"it holds the points {list(found)} and the lines {list(lines)}"
    if first and first not in {each for earlier in points[:-1] for each in earlier}:
        yield f"it goes on from {first}, which no attempt before had reached"


def _count(points: Sequence[Sequence[int]], last: int) -> Count:
    every = {each for attempt in points for each in attempt}
    wanted = set(range(1, last + 1))
    return Count(
        written=last,
        found=len(every & wanted),
        doubled=sum(len(attempt) - len(set(attempt)) for attempt in points),
        lost=len(wanted - every),
        invented=len(every - wanted),
    )


def _points(run: Run, attempt: int) -> list[int]:
    asked = {"attempt": attempt, "name": "n"}
    found = run.experiment.workspace.api.questions.ask("get_metrics", run.id, asked, 60).get("n", [])
    return [int(each) for each in (found if isinstance(found, list) else [found])]


def _log(run: Run, attempt: int, folder: Path) -> str:
    path = f"/runs/{segment(run.id)}/files/{_LOG}?attempt={attempt}"
    try:
        return os.fsdecode(run.experiment.workspace.api.transport.request("GET", path).data)
    except FaenaError:  # it never printed anything
        return ""
