"""A lane has one run after another, each submitted by a client process that waits for it as a user's would."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from faena.client.runs.run import Run
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result, after, check_run, lines_of, shown
from faena.testing.kills.ground import Case, Site
from faena.testing.kills.phases import Victim
from faena.testing.kills.truths import (
    COMPLETED,
    KILLED,
    End,
    after_runner,
    before_start,
    end_of,
    untrue_signal,
)
from faena.testing.waiting import until

_SHORTEST, _LONGEST = 2.0, 5.0
"""Seconds that a script goes on numbering."""
_ON_ITS_WAY = 5_000_000
"""Microseconds after which what a client sent before it was killed has been answered."""
UNTOUCHED = "nobody"
_PERHAPS = 1_000_000
"""Microseconds around the start of a script within which a runner that was killed may have been its own."""


@dataclass(slots=True)
class Life:
    """One run, and what happened to it."""

    case: Case
    client: subprocess.Popen[bytes]
    seconds: float
    """How long its script goes on numbering, from when it began: on a busy machine that may take a while."""
    is_over: Callable[[], bool] | None = None
    run: Run | None = None
    kills: list[tuple[Victim, int]] = field(default_factory=list)
    """Who was killed under it, and when (µs)."""

    def was_killed(self, victim: Victim) -> int | None:
        return next((at for who, at in self.kills if who is victim), None)

    @property
    def victim(self) -> str:
        """Whose death tells most of this run's end: its script's or runner's, else the last one's."""
        fatal: list[Victim] = [who for who, _ in self.kills if who in (Victim.SCRIPT, Victim.RUNNER)]
        chosen = fatal or [who for who, _ in self.kills]
        return str(chosen[-1]) if chosen else UNTOUCHED

    @property
    def is_doomed(self) -> bool:
        """Whether it lost its script or runner: such a run is not killed a second time."""
        return any(who in (Victim.SCRIPT, Victim.RUNNER) for who, _ in self.kills)

    @property
    def script(self) -> int | None:
        """Its script, while that is numbering."""
        pids = self.case.confirmed().pids
        alive = pids and processes.runs(pids[-1]) and not self.case.release.exists()
        return pids[-1] if alive else None

    @property
    def runner(self) -> int | None:
        script = self.script
        return processes.runner_of(script) if script else None


class Lane:
    """Starts the next run once the last one has ended."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self._site = site
        self._chance = chance
        self.past: list[Life] = []
        self.life: Life | None = None

    def begin(self) -> Life:
        case = self._site.case()
        client = self._site.start_client(case, model=self._chance.random() < 0.5)
        self.life = Life(case, client, self._chance.uniform(_SHORTEST, _LONGEST))
        return self.life

    def look(self) -> None:
        """Let a script end that has numbered for long enough; begin the next run where the last has ended."""
        life = self.life or self.begin()
        if life.is_over is None and life.case.confirmed().began:
            life.is_over = after(life.seconds)
        if life.is_over is not None and life.is_over():
            life.case.release.touch()
        if has_ended(self._site, life):
            self.past.append(life)
            self.life = None

    def finish(self) -> list[Life]:
        """Have the run under way end, too. All lives of this lane."""
        if self.life is not None:
            life = self.life
            life.case.release.touch()
            until(lambda: has_ended(self._site, life), f"{life.case.name} has ended", seconds=PATIENCE)
            self.past.append(life)
            self.life = None
        return self.past


def has_ended(site: Site, life: Life) -> bool:
    """Also where there will be no run: its client was killed before the server had it."""
    if life.run is None:
        life.run = site.find(life.case)
    if life.run is None:
        killed_at = life.was_killed(Victim.CLIENT)
        return killed_at is not None and time.time_ns() // 1000 - killed_at > _ON_ITS_WAY
    return life.run.refresh().ended_at is not None


def judge(life: Life) -> Result:
    """What the run says and holds, against what its script confirmed and who was killed."""
    result = Result(life.victim, None)
    result.wrong += _client(life)
    if life.run is None:
        if life.case.accepted.exists():
            result.wrong.append(f"{life.case.name}: the client was told of a run that is not there")
        return result
    view = life.run.refresh()
    said, true = end_of(view), _truths(life)
    if said not in true:
        result.wrong.append(
            f"{view.id} ends as {said} and not as {true}: {view.error and view.error.message}"
        )
    if life.was_killed(Victim.SCRIPT):
        result.wrong += [f"{view.id}: {text}" for text in untrue_signal(view)]
    check_run(life.run, view, life.case, result)
    if life.was_killed(Victim.CLIENT) is None and shown(life.case.output) != lines_of(life.run, life.case):
        result.wrong.append(f"{view.id}: the client did not show each line once")
    return result


def _truths(life: Life) -> list[End]:
    assert life.run is not None
    view = life.run.refresh()
    if life.was_killed(Victim.SCRIPT):
        return [KILLED]
    if (at := life.was_killed(Victim.RUNNER)) is None:
        return [COMPLETED]
    if view.started_at is not None and abs(view.started_at - at) < _PERHAPS:
        return [*before_start(view, at), *after_runner(view, life.case.confirmed(), at)]
    return after_runner(view, life.case.confirmed(), at)


def _client(life: Life) -> list[str]:
    try:
        status = life.client.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        life.client.kill()
        life.client.wait()
        return [f"{life.case.name}: the client did not end"]
    if life.was_killed(Victim.CLIENT) is not None or status == 0:
        return []
    return [f"{life.case.name}: the client ended with {status}"]
