"""One kill: bring a run into a phase, kill somebody at a random moment, see what the run says in the end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time

from faena.client.runs.run import Run
from faena.runs.schemas import RunView
from faena.testing.kills import processes
from faena.testing.kills.evidence import KNOWN_WITHIN, PATIENCE, Result, after, check_run, lines_of, shown
from faena.testing.kills.ground import Case
from faena.testing.kills.phases import PHASE_OF, Phase, Victim, landed_in
from faena.testing.kills.records import Confirmed
from faena.testing.kills.truths import (
    COMPLETED,
    KILLED,
    End,
    after_runner,
    before_start,
    end_of,
    had_started,
    untrue_signal,
)
from faena.testing.waiting import until
from tests.faults.ground import Site

_MOMENTS = {"preparing": 1.0, "queued": 0.5, "running": 2.5, "finalizing": 0.5}
"""Seconds within which the kill falls, from when the phase was seen. A runner ships once a second: kills while the
script runs must come before, between and after."""
_IDLE_NODE = 0.15
_OUTPUTS = 1200


class Trial:
    """`known_within`: seconds that the API may take to tell of a death.

    `frozen`: a node that is to be killed while a run is queued stands still, so that it does not start the run before.
    """

    def __init__(
        self,
        site: Site,
        victim: Victim,
        phase: Phase,
        chance: random.Random,
        *,
        known_within: float = KNOWN_WITHIN,
        frozen: bool = False,
    ) -> None:
        self._frozen = frozen
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
            if self._frozen:
                self._freeze(signal.SIGSTOP)
        elif waits_for_nodes and self._frozen:
            self._within = 0.0  # none is there: one that comes has the run as soon as it has begun
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

    def _freeze(self, how: signal.Signals) -> None:
        for pid in processes.runners_of(self.site.path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)

    def _strike(self, fate: _Fate) -> tuple[bool, float | None]:
        """Kill at a random moment: (whether somebody was hit, seconds until the API told of it)."""
        pause = self.chance.uniform(0.0, self._within)
        until(after(pause), "the moment", seconds=pause + 60)
        hit = self._kill()
        if self._frozen:
            self._freeze(signal.SIGCONT)
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
        return processes.runner_of(pids[-1])

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
        if self._frozen:
            self._freeze(signal.SIGCONT)
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
        if landed is Phase.QUEUED and self.victim is Victim.RUNNER and had_started(view, self.killed_at):
            return Phase.RUNNING
        return landed

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
        said = end_of(view)
        if said not in self._truths(view, confirmed, landed):
            return [f"it ends as {said}, killed while {landed}: {view.error.message if view.error else ''}"]
        return untrue_signal(view) if self.victim is Victim.SCRIPT else []

    def _truths(self, view: RunView, confirmed: Confirmed, landed: Phase | None) -> list[End]:
        if landed is None or self.victim in (Victim.CLIENT, Victim.SERVER):
            return [COMPLETED]
        if self.victim is Victim.SCRIPT:
            return [KILLED]
        if self.phase is Phase.PREPARING:
            return before_start(view, self.killed_at)
        return after_runner(view, confirmed, self.killed_at)


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
