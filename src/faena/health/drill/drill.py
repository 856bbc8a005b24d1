"""Runs a drill: who is killed when is drawn beforehand, the rest is what the product does by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from faena.health.drill import past
from faena.health.drill.joining import NODE, Joining
from faena.health.drill.lanes import UNTOUCHED, Lane, Life, has_ended, judge
from faena.health.drill.raying import KINDS, RAY, RayCluster, Raying
from faena.health.drill.sandbox import Sandbox
from faena.health.drill.sweeping import TRIAL, Sweeping
from faena.kernel.errors import FaenaError
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, after
from faena.testing.kills.ground import Site
from faena.testing.kills.joined import LOOPBACK
from faena.testing.kills.on_ray import PATIENCE as GROWTH
from faena.testing.kills.phases import Victim
from faena.testing.kills.table import Row
from faena.testing.waiting import until

LANES = 2
"""Runs side by side, each on a node of its own."""
_VICTIMS: tuple[str, ...] = (Victim.SERVER, Victim.RUNNER, Victim.SCRIPT, Victim.CLIENT, TRIAL, NODE)


@dataclass(frozen=True, slots=True)
class Plan:
    seconds: float
    """Over which the kills are spread, from when the first script runs."""
    kills: int
    seed: int
    history: int = 0
    """Runs that the sandbox is filled with first."""
    ray: RayCluster | None = None
    """One that is attached, too."""

    @property
    def victims(self) -> tuple[str, ...]:
        """Of each the same share; of a Ray cluster one for each kind of process."""
        return _VICTIMS if self.ray is None else (*_VICTIMS, *(RAY,) * KINDS)


@dataclass(slots=True)
class Outcome:
    rows: list[Row]
    runs: int = 0
    sweeps: int = 0
    trials: int = 0
    """Of the sweeps."""
    far: int = 0
    """Runs on joined nodes."""
    on_ray: int = 0
    """Runs on the Ray cluster."""
    seconds: float = 0.0
    history: str = ""
    """What of the history that was there before was found afterwards."""
    left: list[int] = field(default_factory=list)
    """Processes that did not leave by themselves."""

    @property
    def kills(self) -> int:
        return sum(row.kills for row in self.rows)

    @property
    def is_clean(self) -> bool:
        return not self.left and all(row.is_clean for row in self.rows)


class Drill:
    """`tell` gets a line for each thing that happens."""

    def __init__(self, plan: Plan, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._sandbox = sandbox
        self._tell = tell
        self._chance = random.Random(plan.seed)
        self._rows = {victim: Row(victim, "") for victim in (*dict.fromkeys(plan.victims), UNTOUCHED)}
        self._started = time.monotonic()
        self._lanes: list[Lane] = []
        self._site: Site
        self._sweeping: Sweeping
        self._joining: Joining
        self._raying: Raying | None = None

    def run(self) -> Outcome:
        """Raises OSError where the sandbox cannot be written."""
        outcome = Outcome(list(self._rows.values()))
        with self._sandbox.entered():
            if self._goes_well(lambda: self._take_place(outcome)):
                outcome.left = self._sandbox.left()
            self._sandbox.clear()
        outcome.seconds = time.monotonic() - self._started
        return outcome

    def _goes_well(self, step: Callable[[], None]) -> bool:
        """What never came, or was refused, is a finding."""
        try:
            step()
        except (AssertionError, FaenaError) as error:
            self._rows[UNTOUCHED].wrong.append(f"{type(error).__name__}: {error}")
            return False
        return True

    def _take_place(self, outcome: Outcome) -> None:
        kept = self._remember()
        self._site = Site(self._sandbox.base / "drill", nodes=LANES, project=self._project)
        self._lanes = [Lane(self._site, random.Random(self._chance.random())) for _ in range(LANES)]
        self._sweeping = Sweeping(self._site, random.Random(self._chance.random()))
        ray = self._plan.ray
        chance, listen = random.Random(self._chance.random()), ray.listen if ray else LOOPBACK
        self._joining = Joining(self._site, chance, self._sandbox.runtime, listen)
        self._raying = Raying(self._site, random.Random(self._chance.random()), ray) if ray else None
        try:
            self._judge_all(outcome, kept)
        finally:
            if self._raying is not None:
                self._goes_well(self._raying.close)
        self._joining.close()
        self._site.close()

    def _judge_all(self, outcome: Outcome, kept: past.Kept | None) -> None:
        self._goes_well(self._kill_all)
        lives = [life for lane in self._lanes for life in lane.finish()]
        for life in lives:
            self._rows[life.victim].add(judge(life), hit=False)
        outcome.runs = sum(life.run is not None for life in lives)
        outcome.sweeps, outcome.trials = self._sweeping.finish(self._rows[TRIAL])
        outcome.far = self._joining.finish(self._rows[NODE])
        if self._raying is not None:
            outcome.on_ray = self._raying.finish(self._rows[RAY])
        if kept is not None:
            outcome.history, wrong = past.compare(self._site.workspace, kept)
            self._rows[UNTOUCHED].wrong += wrong

    @property
    def _project(self) -> Path:
        return self._sandbox.base / "project"

    def _remember(self) -> past.Kept | None:
        if not self._plan.history:
            return None
        self._tell(f"{self._plan.history:,} runs are made first")
        return past.fill(self._project, self._plan.history, self._plan.seed)

    def _kill_all(self) -> None:
        self._until(self._is_under_way, "the first script runs", seconds=PATIENCE)
        if (ray := self._raying) is not None:
            self._until(lambda: ray.is_under_way, "a script runs on the Ray cluster", seconds=GROWTH)
        begun = time.monotonic()
        for number, (moment, victim) in enumerate(self._drawn(), 1):
            due = after(max(0.0, moment - (time.monotonic() - begun)))
            self._until(due, f"the moment of kill {number}", seconds=moment + PATIENCE)
            patience = GROWTH if victim == RAY else PATIENCE
            self._until(partial(self._kill, victim), f"there is a {victim} to kill", seconds=patience)

    def _is_under_way(self) -> bool:
        return any(lane.life is not None and lane.life.case.confirmed().began for lane in self._lanes)

    def _drawn(self) -> list[tuple[float, str]]:
        """Moments in order, and as many of each victim as the number permits."""
        victims: list[str] = []
        while len(victims) < self._plan.kills:
            victims += self._chance.sample(self._plan.victims, len(self._plan.victims))
        moments = sorted(self._chance.uniform(0, self._plan.seconds) for _ in range(self._plan.kills))
        return list(zip(moments, victims, strict=False))

    def _until(self, due: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Look after the lanes until something is due."""

        def look() -> bool:
            if due():
                return True
            self._look()
            return False

        until(look, what, seconds=seconds)

    def _look(self) -> None:
        for lane in self._lanes:
            lane.look()
        self._sweeping.look()
        self._joining.look()
        if self._raying is not None:
            self._raying.look()

    def _kill(self, victim: str) -> bool:
        """False where there is nobody of that kind just now."""
        self._look()
        if victim == TRIAL:
            return self._kill_trial()
        if victim == NODE:
            return self._kill_node()
        if victim == RAY:
            return self._kill_on_ray()
        lives = [lane.life for lane in self._lanes if lane.life is not None]
        chosen = self._choose(victim, lives)
        if chosen is None:
            return False
        pid, under = chosen
        at, killed = time.time_ns() // 1000, time.monotonic()
        if not processes.kill_of_runtime(pid, self._sandbox.runtime):
            return False
        for life in under:
            life.kills.append((Victim(victim), at))
        row = self._rows[victim]
        row.kills += 1
        known = self._known(victim, under, killed)
        row.slowest = max(known, row.slowest or 0.0) if known is not None else row.slowest
        points = [str(len(life.case.confirmed().points)) for life in under]
        how = "back" if victim == Victim.SERVER else "known"
        said = "" if known is None else f", {how} after {known:.1f} s"
        self._told(f"{victim} {pid} killed at point {' and '.join(points) or 0}{said}")
        return True

    def _kill_trial(self) -> bool:
        """A script or a runner in the middle of a sweep."""
        chosen = self._sweeping.choose()
        if chosen is None or not processes.kill_of_runtime(chosen.pid, self._sandbox.runtime):
            return False
        killed, row = time.monotonic(), self._rows[TRIAL]
        until(lambda: self._sweeping.knows(chosen), f"the API tells of {chosen.run_id}", seconds=PATIENCE)
        known = time.monotonic() - killed
        row.kills += 1
        row.slowest = max(known, row.slowest or 0.0)
        self._told(f"{chosen.what} {chosen.pid} of trial {chosen.run_id} killed, known after {known:.1f} s")
        return True

    def _kill_node(self) -> bool:
        """The runner of a joined node in the middle of its run."""
        killed, row = time.monotonic(), self._rows[NODE]
        if (found := self._joining.kill()) is None:
            return False
        known = time.monotonic() - killed
        row.kills += 1
        row.slowest = max(known, row.slowest or 0.0)
        pid, name, run_id = found
        self._told(f"runner {pid} of {name} killed, {run_id} goes again after {known:.1f} s")
        return True

    def _kill_on_ray(self) -> bool:
        if self._raying is None or (found := self._raying.kill()) is None:
            return False
        (said, known), row = found, self._rows[RAY]
        row.kills += 1
        row.slowest = max(known, row.slowest or 0.0)
        self._told(f"{said} after {known:.1f} s")
        return True

    def _told(self, what: str) -> None:
        number = sum(row.kills for row in self._rows.values())
        seconds = time.monotonic() - self._started
        self._tell(f"{seconds:5.1f} s  [{number}/{self._plan.kills}] {what}")

    def _choose(self, victim: str, lives: list[Life]) -> tuple[int, list[Life]] | None:
        """Somebody to kill, and the lives that are touched by it."""
        if victim == Victim.SERVER:
            server = processes.server_of(self._site.path)
            return (server, lives) if server else None
        self._chance.shuffle(lives)
        for life in lives:
            if victim == Victim.CLIENT:
                if life.client.poll() is None and life.was_killed(Victim.CLIENT) is None:
                    return life.client.pid, [life]
            elif not life.is_doomed and (pid := life.script if victim == Victim.SCRIPT else life.runner):
                return pid, [life]
        return None

    def _known(self, victim: str, under: list[Life], killed: float) -> float | None:
        """Seconds until the API tells of it; None where it has nothing to tell."""
        if victim == Victim.CLIENT:
            return None
        if victim == Victim.SERVER:
            self._site.workspace.api.version()
        else:
            until(lambda: has_ended(self._site, under[0]), f"the API tells of the {victim}", seconds=PATIENCE)
        return time.monotonic() - killed
