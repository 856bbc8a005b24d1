"""Sweeps in whose middle somebody is killed: no trial is lost or issued twice, no value, no decision forgotten."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faena.client.runs.experiment import Experiment
from faena.client.runs.run import Run
from faena.client.runs.sweep_run import HyperDriveRun
from faena.client.submission.estimator import Estimator
from faena.client.sweeps.config import HyperDriveConfig, PrimaryMetricGoal
from faena.client.sweeps.policies import BanditPolicy
from faena.client.sweeps.samplings import (
    BayesianParameterSampling,
    HyperParameterSampling,
    PopulationBasedTraining,
    RandomParameterSampling,
)
from faena.sweeps import startup
from faena.sweeps.samplings import next_point
from faena.sweeps.schemas import TrialView
from faena.sweeps.startup import startup_trials
from faena.testing.kills import generations, processes, tried
from faena.testing.kills.evidence import KNOWN_WITHIN, PATIENCE, Result, after
from faena.testing.kills.ground import EXPERIMENT, Site
from faena.testing.kills.records import compare
from faena.testing.waiting import until

SPACE = {"--x": ["uniform", [0, 1]], "--n": ["choice", [[1, 2, 3]]]}
_METRIC = "score"
_POPULATION = 4


def sampling_of(kind: str, seed: int) -> HyperParameterSampling:
    """One of random, bayesian and pbt, whose trials are whole generations of four."""
    if kind == "pbt":
        return PopulationBasedTraining(
            SPACE, population=_POPULATION, checkpoint_argument="--state", seed=seed
        )
    if kind == "bayesian":
        return BayesianParameterSampling(SPACE, seed=seed)
    return RandomParameterSampling(SPACE, seed=seed)


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep whose trials may be killed; `confirm` is the file in which they say what they did."""

    run: HyperDriveRun
    sampling: HyperParameterSampling
    confirm: Path

    @classmethod
    def begin(
        cls,
        site: Site,
        sampling: HyperParameterSampling,
        *,
        trials: int,
        at_once: int,
        cluster: str = "cpu",
        warm: bool = False,
    ) -> Swept:
        confirm = site.case().confirm
        config = HyperDriveConfig(
            sampling,
            _METRIC,
            PrimaryMetricGoal.MAXIMIZE,
            trials,
            at_once,
            policy=None if sampling.kind == "pbt" else BanditPolicy(slack_factor=0.5, delay_evaluation=2),
            estimator=Estimator(
                site.source,
                entry_script="tried.py",
                compute_target=cluster,
                interpreter=sys.executable,
                environment_variables={"KILLS_CONFIRM": str(confirm)},
            ),
            retry_node_lost=100,
            retry_failed=100,
            fail_fast=False,
            warm=warm,
        )
        run = Experiment(site.workspace, EXPERIMENT).submit(config)
        assert isinstance(run, HyperDriveRun)
        return cls(run, sampling, confirm)

    def has_ended(self) -> bool:
        return self.run.refresh().ended_at is not None

    def scripts(self) -> dict[str, list[int]]:
        """Processes of the trials that run, by the id of their run."""
        found = {
            str(trial.run_id): processes.of_run(str(trial.run_id))
            for trial in self.run.trials()
            if trial.state == "open"
        }
        return {run_id: pids for run_id, pids in found.items() if pids}


def check(swept: Swept, result: Result) -> None:
    """Compare a sweep that has ended with what its trials confirmed, and with one that nobody was killed in."""
    sweep, name = swept.run, swept.run.id
    trials = list(sweep.trials())
    wanted = sweep.sweep.spec.max_total_runs
    if (status := sweep.get_status()) != "Completed":
        result.wrong.append(f"{name} ends as {status}: {sweep.sweep.told}")
    if [trial.number for trial in trials] != list(range(wanted)):
        result.wrong.append(f"{name} has the trials {[trial.number for trial in trials]}")
    sampling = swept.sampling.sampling
    fixed = wanted if sampling.kind == "random" else startup_trials(sampling)
    if [trial.parameters for trial in trials][:fixed] != _expected(swept.sampling, fixed):
        result.wrong.append(f"{name}: its trials are not those of one that nobody was killed in")
    if swept.sampling.kind == "pbt":
        result.wrong += [f"{name}: {text}" for text in generations.mistakes(sweep, swept.sampling, trials)]
    children = {child.id for child in sweep.get_children()}
    expected = {
        f"{name}_{trial.number}{f'_again{n}' if n else ''}"
        for trial in trials
        for n in range(trial.tries + 1)
    }
    if children != expected:
        result.wrong.append(f"{name}: runs missing or too many: {children ^ expected}")
    waited = after(KNOWN_WITHIN)
    until(lambda: waited() or not _left(children), "all have left", seconds=2 * PATIENCE)
    result.left += _left(children)
    confirmed = _confirmed(swept.confirm)
    for trial in trials:
        for text in _of_trial(swept, trial, confirmed, result):
            result.wrong.append(f"{trial.run_id}: {text}")


def _left(run_ids: Iterable[str]) -> int:
    return sum(len(processes.of_run(run_id)) for run_id in run_ids)


def _confirmed(path: Path) -> dict[str, list[str]]:
    """What the script of each run said, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    text = path.read_text() if path.exists() else ""
    for line in text.splitlines():
        run_id, said = line.split()
        found[run_id].append(said)
    return found


def _of_trial(
    swept: Swept, trial: TrialView, confirmed: dict[str, list[str]], result: Result
) -> Iterator[str]:
    values: list[float] = []
    for number in range(trial.tries + 1):
        run = swept.run.experiment.workspace.get_run(
            f"{swept.run.id}_{trial.number}{f'_again{number}' if number else ''}"
        )
        said = confirmed[run.id]
        if (starts := said.count("begin")) > 1:
            yield f"the script of {run.id} was started {starts} times"
        values = _logged(run)
        steps = [int(each) for each in said if each != "begin"]
        count = compare(steps, _steps(trial, values))
        result.points += count
        if count.lost or count.doubled or count.invented:
            yield f"{run.id} confirmed {steps} and holds {values}"
    if trial.status not in ("Completed", "Canceled") and not trial.stopped:  # killed on its way out
        yield f"the trial ends as {trial.status}"
    if trial.status == "Completed" and len(values) != tried.VALUES:
        yield f"{len(values)} of {tried.VALUES} values are there"
    if trial.status == "Canceled" and not trial.stopped:
        yield "it was stopped, and nothing says by what"
    if (max(values) if values else None) != trial.value:
        yield f"its value is {trial.value}, and it logged {values}"


def _logged(run: Run) -> list[float]:
    found = run.get_metrics(_METRIC).get(_METRIC, [])
    return found if isinstance(found, list) else [found]


def _steps(trial: TrialView, values: list[float]) -> list[int]:
    """At which step the script logs each value; -1 for what it never logs."""
    x, n = trial.parameters["--x"], trial.parameters["--n"]
    logged = [tried.value_of(x, n, step) for step in range(tried.VALUES)]
    return [logged.index(value) if value in logged else -1 for value in values]


def _expected(sampling: HyperParameterSampling, count: int) -> list[dict[str, object]]:
    """The parameters of the first trials, as they come without a server; none of a model's."""
    plain = startup.plain(sampling.sampling)
    taken: set[str] = set()
    found: list[dict[str, object]] = []
    position = 0
    while len(found) < count:
        drawn = next_point(sampling.space, plain, position, taken.__contains__)
        assert drawn is not None
        point, position = drawn
        taken.add(point.digest)
        found.append(point.values)
    return found
