"""One kill: bring a run into a phase, kill somebody at a random moment, see what the run says in the end."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from faena import Model
from faena.client.run import Run
from faena.runs.schemas import PhaseView, RunView
from faena.testing.waiting import until
from tests.faults import processes
from tests.faults.ground import Case, Site
from tests.faults.records import NOTHING, Confirmed, Count, compare

KNOWN_WITHIN = 5.0
"""Seconds from a kill to the state in the API (DESIGN's budget)."""
PATIENCE = 60.0
_BOUNDARY = 500_000
"""Microseconds around the end of the script within which killing its runner may or may not have cost the run."""
_ON_ITS_WAY = 100_000
"""Microseconds from the note of a kill until its victim is dead and the guard has seen that."""
_MOMENTS = {"preparing": 1.0, "queued": 0.5, "running": 2.5, "finalizing": 0.5}
"""Seconds within which the kill falls, from when the phase was seen. A runner ships once a second: kills while the
script runs must come before, between and after."""
_IDLE_NODE = 0.15
_OUTPUTS = 1200
_DRIVER_LOG = "azureml-logs/70_driver_log.txt"


class Victim(StrEnum):
    CLIENT = "client"
    SERVER = "server"
    RUNNER = "runner"
    SCRIPT = "script"


class Phase(StrEnum):
    PREPARING = "preparing"
    QUEUED = "queued"
    RUNNING = "running"
    FINALIZING = "finalizing"


PHASE_OF = {
    "NotStarted": Phase.PREPARING,
    "Preparing": Phase.PREPARING,
    "Queued": Phase.QUEUED,
    "Starting": Phase.QUEUED,
    "Running": Phase.RUNNING,
    "Finalizing": Phase.FINALIZING,
}


def makes_sense(victim: Victim, phase: Phase) -> bool:
    """There is a script only while it runs."""
    return victim is not Victim.SCRIPT or phase is Phase.RUNNING


@dataclass(slots=True)
class Result:
    """What one trial found. `phase` None: the victim was not hit, or hit after the run had ended."""

    victim: str
    phase: Phase | None
    points: Count = NOTHING
    lines: Count = NOTHING
    wrong: list[str] = field(default_factory=list)
    known: float | None = None
    """Seconds from the kill to what the API says of it; None where it need say nothing."""
    left: int = 0


class Trial:
    """`known_within`: seconds that the API may take to tell of a death."""

    def __init__(
        self,
        site: Site,
        victim: Victim,
        phase: Phase,
        chance: random.Random,
        *,
        known_within: float = KNOWN_WITHIN,
    ) -> None:
        self.site = site
        self.victim = victim
        self.phase = phase
        self.chance = chance
        self._known_within = known_within
        self.case = site.case()
        self.client: subprocess.Popen[bytes] | None = None
        self.killed_at = 0
        self._killed = 0.0
        self._runner: int | None = None
        self._within = _MOMENTS[phase]

    def run(self) -> Result:
        waits_for_nodes = self.phase is Phase.QUEUED and self.victim is Victim.RUNNER
        if waits_for_nodes and processes.runners_of(self.site.path):
            self._within = _IDLE_NODE  # a node that idles has the run at once
        blocker = self._block() if self.phase is Phase.QUEUED and not waits_for_nodes else None
        fate = self._begin()
        try:
            hit, known = self._strike(fate) if self._reach(fate) else (False, None)
        finally:
            self._let_go(blocker)
        result = self._judge(fate.run(), hit, known)
        if blocker is not None:
            self._await_end(blocker[1])
            if blocker[1].get_status() != "Completed":
                result.wrong.append(f"{self.case.name}: the run before it is {blocker[1].get_status()}")
        return result

    def _strike(self, fate: _Fate) -> tuple[bool, float | None]:
        """Kill at a random moment: (whether somebody was hit, seconds until the API told of it)."""
        pause = self.chance.uniform(0.0, self._within)
        until(after(pause), "the moment", seconds=pause + 60)
        hit = self._kill()
        return hit, self._see(fate) if hit else None

    def _begin(self) -> _Fate:
        built = self.phase is Phase.PREPARING
        if built and self.chance.random() < 0.3:
            self.case.gate.touch()  # the kill may fall anywhere in the build
        options = {
            "built": built,
            "model": self.phase is Phase.RUNNING and self.chance.random() < 0.5,
            "files": _OUTPUTS if self.phase is Phase.FINALIZING else 0,
        }
        if self.victim is Victim.CLIENT or (self.victim is Victim.SERVER and self.chance.random() < 0.5):
            self.client = self.site.start_client(self.case, **options)
            return _Fate(self.site, self.case, None)
        return _Fate(self.site, self.case, self.site.submit(self.case, **options))

    def _block(self) -> tuple[Case, Run]:
        """A run that has the only node."""
        case = self.site.case()
        run = self.site.submit(case)
        until(lambda: case.confirmed().began, "the run in front has the node", seconds=PATIENCE)
        return case, run

    def _reach(self, fate: _Fate) -> bool:
        """Wait for the phase; False when the run had gone through it before it was seen."""
        if self.victim is Victim.CLIENT and self.phase is Phase.PREPARING and self.chance.random() < 0.5:
            until(self.case.ready.exists, "the client submits", seconds=PATIENCE)
            return True
        if self.victim is Victim.RUNNER and self.phase is Phase.QUEUED:
            until(lambda: processes.runners_of(self.site.path), "there is a node", seconds=PATIENCE)
            return True
        until(fate.found, "the run is accepted", seconds=PATIENCE)
        if self.phase in (Phase.RUNNING, Phase.FINALIZING):
            until(lambda: fate.phase() is Phase.RUNNING, "the script runs", seconds=PATIENCE)
            self._runner = self._runner_of_script()
        if self.phase is Phase.FINALIZING:
            self.case.release.touch()
        until(
            lambda: fate.phase() is self.phase or fate.ended(), f"the run is {self.phase}", seconds=PATIENCE
        )
        return not fate.ended()

    def _runner_of_script(self) -> int | None:
        pids = until(lambda: self.case.confirmed().pids, "the script begins", seconds=PATIENCE)
        guard = processes.parent_of(pids[-1])
        return processes.parent_of(guard) if guard else None

    def _kill(self) -> bool:
        pid = self._victim()
        self._killed, self.killed_at = time.monotonic(), time.time_ns() // 1000
        return pid is not None and processes.kill(pid)

    def _victim(self) -> int | None:
        match self.victim:
            case Victim.CLIENT:
                return self.client.pid if self.client else None
            case Victim.SERVER:
                return processes.server_of(self.site.path)
            case Victim.SCRIPT:
                return self.case.confirmed().pids[-1]
        if self.phase is Phase.PREPARING:
            found = processes.builders_of(self.site.path)
        elif self.phase is Phase.QUEUED:
            found = processes.runners_of(self.site.path)
        else:
            found = [self._runner] if self._runner else []
        return self.chance.choice(found) if found else None

    def _see(self, fate: _Fate) -> float | None:
        """Seconds until the API tells of the death; None where it has nothing to tell."""
        match self.victim, self.phase:
            case Victim.SERVER, _:
                self.site.workspace.api.version()
            case (Victim.SCRIPT, _) | (Victim.RUNNER, Phase.RUNNING | Phase.FINALIZING):
                until(fate.ended, f"the API tells that the {self.victim} died", seconds=PATIENCE)
            case Victim.RUNNER, Phase.QUEUED:
                until(
                    lambda: self.case.confirmed().began or fate.ended(),
                    "another node has it",
                    seconds=PATIENCE,
                )
            case Victim.RUNNER, Phase.PREPARING:
                until(
                    lambda: processes.builders_of(self.site.path) or fate.phase() is not Phase.PREPARING,
                    "it is built anew",
                    seconds=PATIENCE,
                )
            case _:
                return None
        return time.monotonic() - self._killed

    def _let_go(self, blocker: tuple[Case, Run] | None) -> None:
        self.case.gate.touch()
        self.case.release.touch()
        if blocker is not None:
            blocker[0].release.touch()

    def _await_end(self, run: Run) -> None:
        until(lambda: run.refresh().ended_at is not None, f"run {run.id} has ended", seconds=PATIENCE)

    def _judge(self, run: Run | None, hit: bool, known: float | None) -> Result:
        name = f"{self.case.name} {self.victim}/{self.phase}"
        result = Result(self.victim, None, known=known)
        if self.victim is Victim.CLIENT:
            result.wrong += self._client_left(hit)
        if run is None:
            if self.case.accepted.exists():
                result.wrong.append(f"{name}: the client was told of a run that is not there")
            result.phase = Phase.PREPARING if hit else None
            return result
        self._await_end(run)
        view = run.refresh()
        landed = self._landed(view) if hit else None
        result.phase = landed
        if known is not None and known > self._known_within:
            result.wrong.append(f"{name}: known after {known:.1f} s")
        confirmed = self.case.confirmed()
        result.wrong += [f"{name}: {text}" for text in self._state(view, confirmed, landed)]
        if self.client is not None and self.victim is not Victim.CLIENT:
            result.wrong += self._client_left(False)
            if shown(self.case.output) != lines_of(run, self.case):
                result.wrong.append(f"{name}: the client did not show each line once")
        check_run(run, view, self.case, result)
        return result

    def _landed(self, view: RunView) -> Phase | None:
        """The phase that the kill fell into: of a runner, by what was true when it died, not by what was known."""
        landed = landed_in(view, self.killed_at)
        if landed is Phase.QUEUED and self.victim is Victim.RUNNER and self._had_started(view):
            return Phase.RUNNING
        return landed

    def _had_started(self, view: RunView) -> bool:
        return view.started_at is not None and view.started_at <= self.killed_at

    def _started_as_it_died(self, view: RunView) -> bool:
        """The guard had begun when the kill was on its way: the script was there for a moment, and that counts."""
        return view.started_at is not None and 0 <= view.started_at - self.killed_at < _ON_ITS_WAY

    def _client_left(self, hit: bool) -> list[str]:
        assert self.client is not None
        try:
            status = self.client.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.client.kill()
            self.client.wait()
            return [f"{self.case.name}: the client did not end"]
        return [] if hit or status == 0 else [f"{self.case.name}: the client ended with {status}"]

    def _state(self, view: RunView, confirmed: Confirmed, landed: Phase | None) -> list[str]:
        """What is untrue about the end."""
        said = (view.status, view.error.reason if view.error else None)
        if said not in self._truths(view, confirmed, landed):
            return [f"it ends as {said}, killed while {landed}: {view.error.message if view.error else ''}"]
        if self.victim is Victim.SCRIPT and view.error is not None:
            named = view.error.signal == 9 and "SIGKILL" in view.error.message
            return [] if named else [f"the signal is not named: {view.error}"]
        return []

    def _truths(
        self, view: RunView, confirmed: Confirmed, landed: Phase | None
    ) -> list[tuple[str, str | None]]:
        completed: tuple[str, str | None] = ("Completed", None)
        if landed is None or self.victim in (Victim.CLIENT, Victim.SERVER):
            return [completed]
        if self.victim is Victim.SCRIPT:
            return [("Failed", "signal")]
        lost: tuple[str, str | None] = ("Failed", "node_lost")
        if self.phase is Phase.PREPARING or not self._had_started(view):
            return [completed, lost] if self._started_as_it_died(view) else [completed]
        if confirmed.ended is None:
            return [lost]
        return [completed] if confirmed.ended < self.killed_at - _BOUNDARY else [completed, lost]


class _Fate:
    """The run of a trial as the server tells of it, whoever submitted it."""

    def __init__(self, site: Site, case: Case, run: Run | None) -> None:
        self._site = site
        self._case = case
        self._run = run

    def found(self) -> bool:
        if self._run is None:
            self._run = self._site.find(self._case)
        return self._run is not None

    def run(self) -> Run | None:
        """None: the server knows of none, and what the client sent before it died has been answered."""
        answered = after(1.0)
        until(lambda: self.found() or answered(), "the run is there")
        return self._run

    def phase(self) -> Phase | None:
        if not self.found() or self._run is None:
            return None
        view = self._run.refresh()
        return PHASE_OF.get(view.status)

    def ended(self) -> bool:
        return self.found() and self._run is not None and self._run.refresh().ended_at is not None


def landed_in(view: RunView, at: int) -> Phase | None:
    """The phase of a run at a time (µs); None when it had ended."""
    if at < view.created_at:
        return Phase.PREPARING
    for phase in view.phases:
        if phase.started_at <= at and _until(phase) >= at:
            return PHASE_OF[phase.name]
    return None


def _until(phase: PhaseView) -> int:
    return phase.ended_at if phase.ended_at is not None else phase.started_at


def check_run(run: Run, view: RunView, case: Case, result: Result) -> None:
    """Compare what the run holds with what its script confirmed; into `result`."""
    confirmed = case.confirmed()
    result.left += len(processes.of_run(run.id))
    if len(confirmed.began) > 1:
        result.wrong.append(f"{case.name}: the script was started {len(confirmed.began)} times")
    result.points = compare(confirmed.points, points_of(run))
    result.lines = compare(confirmed.lines, lines_of(run, case))
    if confirmed.model is not None:
        result.wrong += [f"{case.name}: {text}" for text in _models(run, view, case, confirmed)]
    elif view.status == "Completed":
        result.wrong.append(f"{case.name}: completed, and its script never came to its end")


def points_of(run: Run) -> list[int]:
    found = run.get_metrics("n").get("n", [])
    return [int(value) for value in (found if isinstance(found, list) else [found])]


def lines_of(run: Run, case: Case) -> list[int]:
    """The numbers in the driver log. A line without its full stop was torn."""
    if _DRIVER_LOG not in run.get_file_names():
        return []
    target = case.folder / "driver.log"
    run.download_file(_DRIVER_LOG, target)
    return shown(target)


def shown(path: Path) -> list[int]:
    """The numbers of the whole lines in a file."""
    return [int(line) for line in re.findall(r"^(\d+)\.$", path.read_text(), re.MULTILINE)]


def _models(run: Run, view: RunView, case: Case, confirmed: Confirmed) -> list[str]:
    """What is not whole about the run's model file and the models made of it."""
    models = Model.list(run.experiment.workspace, run_id=run.id)
    wrong: list[str] = []
    if confirmed.registered is not None and not any(
        model.version == confirmed.registered for model in models
    ):
        wrong.append("a registered model is gone")
    if view.status == "Completed":
        models.append(run.register_model(f"after-{case.name}", "outputs/model.bin"))
    elif "outputs/model.bin" not in run.get_file_names():
        wrong.append("outputs/model.bin is gone")
    else:
        target = case.folder / "kept.bin"
        run.download_file("outputs/model.bin", target)
        wrong += _torn("outputs/model.bin", target.read_bytes(), confirmed)
    for model in models:
        folder = case.folder / f"model-{model.name}"
        path = model.download(folder, exist_ok=True)
        wrong += _torn(model.id, Path(path).read_bytes(), confirmed)
    return wrong


def _torn(name: str, data: bytes, confirmed: Confirmed) -> list[str]:
    whole = hashlib.sha256(data).hexdigest() == confirmed.model
    return [] if whole else [f"{name} is not whole ({len(data)} bytes)"]


def after(seconds: float) -> Callable[[], bool]:
    """True once `seconds` have passed: a moment chosen by chance is not a condition that could be looked at."""
    due = time.monotonic() + seconds
    return lambda: time.monotonic() >= due
