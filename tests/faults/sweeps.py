"""Sweeps in whose middle somebody is killed: each finishes, no trial is lost or issued twice, no decision forgotten."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faena.client.runs.experiment import Experiment
from faena.client.runs.sweep_run import HyperDriveRun
from faena.client.submission.estimator import Estimator
from faena.client.sweeps.config import HyperDriveConfig, PrimaryMetricGoal
from faena.client.sweeps.policies import BanditPolicy
from faena.client.sweeps.samplings import (
    BayesianParameterSampling,
    HyperParameterSampling,
    RandomParameterSampling,
)
from faena.kernel.errors import FaenaError
from faena.sweeps.samplings import next_point
from faena.sweeps.schemas import TrialView
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result
from faena.testing.kills.processes import commanded
from faena.testing.kills.table import Row
from faena.testing.waiting import until
from tests.faults.ground import Site

_NODES = 2
_TRIALS = 12
_KILLS = 8
"""In the middle of one sweep."""
_VALUES = 5
_EXPERIMENT = "sweeps"
VICTIMS = ("server", "runner", "script", "sampler")
SPACE = {"--x": ["uniform", [0, 1]], "--n": ["choice", [[1, 2, 3]]]}
_SCRIPT = """
import argparse, os, time
from faena import Run

parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float)
parser.add_argument("--n", type=int)
asked = parser.parse_args()
confirm = os.open(os.environ["CONFIRM"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(confirm, f"{os.environ['FAENA_RUN_ID']}\\n".encode())
run = Run.get_context()
for step in range(5):
    run.log("score", asked.n + asked.x * (step + 1))
    time.sleep(0.1)
"""


def killed(folder: Path, links: Path, kills: int, seed: int, tell: Callable[[str], None]) -> list[Row]:
    """A row for each kind of victim, of `kills` kills together."""
    site = Site(folder, links=links, nodes=_NODES)
    (site.source / "train.py").write_text(_SCRIPT)
    chance = random.Random(seed)
    rows = {victim: Row(victim, "sweep") for victim in VICTIMS}
    place = 0
    while (done := sum(row.kills for row in rows.values())) < kills:
        place += 1
        learns = place % 2 == 0
        sampling: HyperParameterSampling = (
            BayesianParameterSampling(SPACE, seed=place)
            if learns
            else RandomParameterSampling(SPACE, seed=place)
        )
        result = Result("sweep", None)
        try:
            victims = _one(site, sampling, chance, min(_KILLS, kills - done), result)
        except (AssertionError, FaenaError, OSError) as error:
            result.wrong.append(f"sweep {place}: {type(error).__name__}: {error}")
            victims = ["server"]
        for victim in victims:
            rows[victim].add(Result(victim, None))
        rows[victims[0] if victims else "server"].add(result, hit=False)
        tell(f"[{done + len(victims)}/{kills}] sweep {place}: {'; '.join(result.wrong) or 'fine'}")
    site.close()
    return list(rows.values())


def _one(
    site: Site, sampling: HyperParameterSampling, chance: random.Random, kills: int, result: Result
) -> list[str]:
    """Who was killed in the middle of a sweep; what is wrong with it goes into `result`."""
    confirm = site.folder / f"confirmed-{sampling.seed}"
    config = HyperDriveConfig(
        sampling,
        "score",
        PrimaryMetricGoal.MAXIMIZE,
        _TRIALS,
        _NODES,
        policy=BanditPolicy(slack_factor=0.5, delay_evaluation=2),
        estimator=Estimator(
            site.source,
            entry_script="train.py",
            compute_target="cpu",
            interpreter=sys.executable,
            environment_variables={"CONFIRM": str(confirm)},
        ),
        retry_node_lost=100,
        retry_failed=100,
        fail_fast=False,
    )
    sweep = Experiment(site.workspace, _EXPERIMENT).submit(config)
    assert isinstance(sweep, HyperDriveRun)
    victims: list[str] = []
    while len(victims) < kills and sweep.refresh().ended_at is None:
        time.sleep(chance.uniform(0.0, 0.6))
        victim = chance.choice(VICTIMS)
        pid = _pid(site, victim, chance)
        if pid is not None and processes.kill(pid):
            victims.append(victim)
    until(lambda: sweep.refresh().ended_at is not None, f"sweep {sweep.id} has ended", seconds=3 * PATIENCE)
    _check(site, sweep, sampling, confirm, result)
    return victims


def _pid(site: Site, victim: str, chance: random.Random) -> int | None:
    if victim == "server":
        return processes.server_of(site.path)
    if victim == "sampler":
        found = commanded(lambda words: "faena.sweeps.sample" in words)
        ours = [pid for pid in found if processes.parent_of(pid) == processes.server_of(site.path)]
    elif victim == "runner":
        ours = processes.runners_of(site.path)
    else:
        rows = site.workspace.api.runs(experiment=_EXPERIMENT, limit=20, include_children="true")
        ours = [pid for row in rows if row.ended_at is None for pid in processes.of_run(row.id)]
    return chance.choice(ours) if ours else None


def _check(
    site: Site, sweep: HyperDriveRun, sampling: HyperParameterSampling, confirm: Path, result: Result
) -> None:
    name = sweep.id
    trials = list(sweep.trials())
    if (status := sweep.get_status()) != "Completed":
        result.wrong.append(f"{name} ends as {status}: {sweep.sweep.told}")
    if [trial.number for trial in trials] != list(range(_TRIALS)):
        result.wrong.append(f"{name} has the trials {[trial.number for trial in trials]}")
    if sampling.kind == "random" and [trial.parameters for trial in trials] != _expected(sampling):
        result.wrong.append(f"{name}: its trials are not those of one that nobody was killed in")
    starts = Counter(confirm.read_text().split() if confirm.exists() else [])
    result.wrong += [
        f"{run_id}: its script was started {count} times" for run_id, count in starts.items() if count > 1
    ]
    children = {child.id for child in sweep.get_children()}
    expected = {f"{name}_{t.number}{f'_again{n}' if n else ''}" for t in trials for n in range(t.tries + 1)}
    if children != expected:
        result.wrong.append(f"{name}: runs missing or too many: {children ^ expected}")
    for trial in trials:
        result.wrong += [f"{trial.run_id}: {text}" for text in _of_trial(site, trial)]


def _of_trial(site: Site, trial: TrialView) -> list[str]:
    run = site.workspace.get_run(str(trial.run_id))
    logged = run.get_metrics().get("score", [])
    values = logged if isinstance(logged, list) else [logged]
    wrong = []
    if trial.status not in ("Completed", "Canceled") and not trial.stopped:  # killed on its way out
        wrong.append(f"the trial ends as {trial.status}")
    if trial.status == "Completed" and len(values) != _VALUES:
        wrong.append(f"{len(values)} of {_VALUES} values are there")
    if trial.status == "Canceled" and not trial.stopped:
        wrong.append("it was stopped, and nothing says by what")
    if (max(values) if values else None) != trial.value:
        wrong.append(f"its value is {trial.value}, and it logged {values}")
    return wrong


def _expected(sampling: HyperParameterSampling) -> list[dict[str, object]]:
    """The parameters of the trials, as they come without a server."""
    taken: set[str] = set()
    found: list[dict[str, object]] = []
    position = 0
    while len(found) < _TRIALS:
        drawn = next_point(sampling.space, sampling.sampling, position, taken.__contains__)
        assert drawn is not None
        point, position = drawn
        taken.add(point.digest)
        found.append(point.values)
    return found
