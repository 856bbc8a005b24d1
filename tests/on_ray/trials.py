"""A run on a Ray cluster of which somebody is killed in a phase, and what must be true of it in the end."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from faena.testing.kills import processes
from faena.testing.kills.evidence import after
from faena.testing.waiting import until
from tests.hosts.ground import LOG
from tests.hosts.trials import Found
from tests.on_ray import preparing
from tests.on_ray import site as at
from tests.on_ray.site import RaySite

GROWING, PREPARING, STARTING = "growing", "preparing", "starting"
RUNNING, FINALIZING = "running", "finalizing"
STATUS = {
    GROWING: "Queued",
    PREPARING: "Starting",
    STARTING: "Starting",
    RUNNING: "Running",
    FINALIZING: "Finalizing",
}
_OF_A_NODE = ("worker", "runner", "raylet", "head")
"""Whose death is that of the node, too."""
VICTIMS = {
    GROWING: ("bridge", "server", *_OF_A_NODE),
    PREPARING: ("bridge", "server", "builder", *_OF_A_NODE),
    STARTING: ("bridge", "server", *_OF_A_NODE),
    RUNNING: ("bridge", "server", *_OF_A_NODE, "restarter", "guard", "script", "rank"),
    FINALIZING: ("bridge", "server", *_OF_A_NODE, "restarter"),
}
"""There is a script, and a guard, only while a run is Running. Preparing: its environment is built on the node.
Restarter: the runner's parent."""
HEAD = (
    "                                       ------ points and lines -----  two at  none at  again      \n"
    "killed   while            seen attempts written  found doubled lost   once (s) once (s) writ bad left"
)
_PATIENCE = 400.0
_LEAST = 20
_SEEN = 0.1
"""Seconds for which two scripts may seem to live at once: less than a few of their steps."""
_OUTPUTS = 6


@dataclass(frozen=True, slots=True)
class Trial:
    victim: str
    phase: str

    @property
    def name(self) -> str:
        return f"{self.victim:<8} {self.phase:<10}"

    @property
    def attempts(self) -> tuple[int, ...]:
        """That the run may take. One whose script has ended goes on with what it left, if that is there."""
        if self.victim in ("bridge", "server", "builder") or self.phase == GROWING:
            return (1,)
        return (1, 2) if self.phase == FINALIZING else (2,)


@dataclass(slots=True)
class Tried:
    trial: Trial
    found: Found
    seen: str = ""
    """The run's status when somebody was killed."""

    def __str__(self) -> str:
        return f"{self.trial.name} {self.seen:>10} {str(self.found)[26:]}"


def tried(trial: Trial, site: RaySite, chance: random.Random) -> Tried:
    site.clean()
    site.log = LOG.replace(".txt", "_0.txt") if trial.victim == "rank" else LOG
    made = Tried(trial, Found(trial.name))
    (site.until_no_nodes if trial.phase == GROWING else site.until_a_node_idles)()
    run = _in_phase(trial, site)
    if trial.phase == RUNNING:
        moment = chance.uniform(0.0, 1.0)
        until(after(moment), "the moment", seconds=60)
    victim = _victim(trial, site, chance)
    made.seen = site.status(run)
    at.kill(victim)
    if trial.victim == "head":  # with the nodes' parent, which would leave dead raylets as zombies
        for pid in site.who("autoscaler"):
            at.kill(pid)
    for pid in site.who("runner"):
        at.go_on(pid)
    preparing.let_go(site.ray)
    if made.seen != STATUS[trial.phase]:
        made.found.wrong.append(f"it was killed while {made.seen}")
    if trial.victim == "head":
        site.new_head()
    _judge(made, site, run)
    return made


def _in_phase(trial: Trial, site: RaySite) -> str:
    if trial.phase == STARTING:  # it is given the run, and stands still
        for pid in site.who("runner"):
            at.stop(pid)
    options: dict[str, object] = {"max_node_losses": 3}
    if trial.phase == PREPARING:
        preparing.hold(site.ray)
        options |= preparing.environment(site.server)
    if trial.phase == FINALIZING:
        options["environment_variables"] = {"LIVING_OUTPUTS": str(_OUTPUTS)}
    if trial.victim == "rank":
        options |= {"entry_script": "train_ranks.py", "distributed_backend": "gloo"}
        options |= {"process_count_per_node": 2}
    if trial.victim in ("script", "rank"):
        options["max_retries"] = 1
    run = site.submit(**options)
    if trial.phase == PREPARING:
        until(lambda: preparing.is_held(site.ray), "its environment is built", seconds=_PATIENCE)
    if trial.phase in (RUNNING, FINALIZING):
        until(lambda: _logs(site, 1), "the script logs", seconds=_PATIENCE)
    if trial.phase == FINALIZING:
        site.release()
        until(lambda: site.lived()[1].ended, "the script has ended", seconds=_PATIENCE)
    until(
        lambda: site.status(run) in (STATUS[trial.phase], "Completed", "Failed"),
        f"the run is {trial.phase}",
        seconds=_PATIENCE,
    )
    return run


def _victim(trial: Trial, site: RaySite, chance: random.Random) -> int:
    """Of a phase that is short the first that is seen."""
    found = until(lambda: site.who(trial.victim), f"there is a {trial.victim}", seconds=_PATIENCE)
    return chance.choice(found)


def _logs(site: RaySite, attempt: int) -> bool:
    lived = site.lived().get(attempt)
    return lived is not None and len(lived.points) > _LEAST


def _judge(made: Tried, site: RaySite, run: str) -> None:
    found, trial = made.found, made.trial

    def ended() -> bool:
        return site.status(run) in ("Completed", "Failed", "Canceled")

    if trial.phase != FINALIZING:
        least = max(trial.attempts)
        until(lambda: ended() or _logs(site, least), f"attempt {least} logs", seconds=_PATIENCE)
    site.release()
    until(ended, "the run has ended", seconds=_PATIENCE)
    view, lived = site.ask(f"/runs/{run}"), site.lived()
    found.attempts = view["attempt"]
    if view["status"] != "Completed" or view["attempt"] not in trial.attempts:
        found.wrong.append(f"{view['status']} after {view['attempt']} attempts: {view['error']}")
    begun = [lived[number] for number in sorted(lived)]
    for first, second in itertools.pairwise(begun):
        found.overlap = first.last - second.began
        found.gap = max(0.0, -found.overlap)
        found.went_back = max(0, first.points[-1] - second.began_at)
        if found.overlap > _SEEN:
            found.wrong.append(f"two scripts lived at once for {found.overlap:.2f} s")
    names = {"outputs/end.txt", *(f"outputs/{part}.bin" for part in range(_outputs(trial)))}
    over = after(_PATIENCE)
    until(
        lambda: over() or (names <= _files(site, run) and not site.count(run).lost),
        "all has come",
        seconds=900,
    )
    if missing := names - _files(site, run):
        found.wrong.append(f"{', '.join(sorted(missing))} did not come")
    found.count = site.count(run)
    over = after(30.0)
    until(lambda: over() or not _left(site, run), "nothing of the run lives", seconds=90)
    found.left = len(_left(site, run))


def _outputs(trial: Trial) -> int:
    return _OUTPUTS if trial.phase == FINALIZING else 0


def _left(site: RaySite, run: str) -> list[int]:
    return processes.of_run(run) + site.who("builder")


def _files(site: RaySite, run: str) -> set[str]:
    return {each["name"] for each in site.ask(f"/runs/{run}/files")}
