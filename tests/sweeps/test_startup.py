"""The first trials of a sampling that learns need neither its model nor Optuna's process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from faena.db import Database
from faena.kernel.notifications import Notifications
from faena.runs.engine.scheduling import Placement
from faena.runs.model import EndReason
from faena.sweeps.drawer import Drawer
from faena.sweeps.learning.messages import Task
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.schemas import Sampling
from faena.sweeps.startup import startup_trials
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground

SPACE = {
    "--lr": ["loguniform", [-5, 0]],
    "optimizer": ["choice", [[{"--opt": "sgd", "--momentum": ["uniform", [0, 1]]}, {"--opt": "adam"}]]],
    "--n": ["choice", [[1, 2, 3]]],
}
LEARNING = [
    pytest.param(Sampling("bayesian", 3), 10, id="tpe"),
    pytest.param(Sampling("bayesian", 3, model="gp"), 10, id="gp"),
    pytest.param(Sampling("cmaes", 3), 1, id="cmaes"),
    pytest.param(Sampling("nsga2", 3, population_size=4), 4, id="nsga2"),
]
TPE: dict[str, Any] = {"space": SPACE, "sampling": Sampling("bayesian", 3), "max_total_runs": 30}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(Database(tmp_path / "faena.db"))


def end(ground: Ground, run_id: str, value: float | None = 0.5) -> None:
    if value is not None:
        ground.log(run_id, [value])
    ground.end(run_id)


def drawn_by(ground: Ground, sweep_id: str, count: int) -> list[dict[str, Any]]:
    for number in range(count):
        end(ground, f"{sweep_id}_{number}")
    return [trial.parameters for trial in ground.trials(sweep_id)[:count]]


@pytest.mark.few(2)
@pytest.mark.parametrize(("sampling", "count"), LEARNING)
def test_they_are_those_of_a_random_sweep_with_its_seed(
    ground: Ground, sampling: Sampling, count: int
) -> None:
    """Without anybody who draws."""
    common: dict[str, Any] = {"space": SPACE, "max_total_runs": 30, "max_concurrent_runs": 1}
    ground.begin("HD_1", sampling=sampling, **common)
    ground.begin("HD_2", sampling=Sampling("random", 3), **common)
    assert drawn_by(ground, "HD_1", count) == drawn_by(ground, "HD_2", count)
    assert [trial.state for trial in ground.trials("HD_1")] == ["ended"] * count + ["free"]


def test_they_are_as_many_as_optunas(ground: Ground) -> None:
    optuna = pytest.importorskip("optuna")
    samplers = optuna.samplers
    for sampling, sampler in (
        (Sampling("bayesian"), samplers.TPESampler()),
        (Sampling("bayesian", model="gp"), samplers.GPSampler()),
        (Sampling("cmaes"), samplers.CmaEsSampler()),
    ):
        assert startup_trials(sampling) == sampler._n_startup_trials
    assert startup_trials(Sampling("nsga2", population_size=7)) == 7


def test_those_without_a_value_do_not_count(databases: Databases, tmp_path: Path) -> None:
    ground = Ground(databases.open(tmp_path / "either.db"))
    ground.begin(**{**TPE, "max_concurrent_runs": 1, "fail_fast": False})
    for number in range(12):
        if number % 6 == 0:
            ground.end(f"HD_1_{number}", EndReason.EXIT_CODE, "broken")
        else:
            end(ground, f"HD_1_{number}")
        states = [trial.state for trial in ground.trials()]
        assert states[-1] == ("open" if number < 11 else "free")


@pytest.mark.parametrize(("known", "first"), [(9, "open"), (10, "free")])
def test_those_of_a_sweep_before_count(ground: Ground, known: int, first: str) -> None:
    ground.begin("HD_1", **{**TPE, "max_total_runs": known, "max_concurrent_runs": 1})
    drawn_by(ground, "HD_1", known)
    ground.begin("HD_2", **{**TPE, "max_concurrent_runs": 1}, resume_from=("HD_1",))
    *adopted, trial = ground.trials("HD_2")
    assert (len(adopted), trial.state) == (known, first)
    assert trial.parameters not in [each.parameters for each in adopted]


def test_none_is_tried_twice_and_the_model_says_when_a_space_is_used_up(ground: Ground) -> None:
    ground.begin(**{**TPE, "space": {"--n": ["choice", [[1, 2, 3]]]}, "max_concurrent_runs": 1})
    assert sorted(each["--n"] for each in drawn_by(ground, SWEEP, 3)) == [1, 2, 3]
    assert ground.trials()[-1].state == "free"


class Prepared(Sampler):
    """Remembers for which sweeps its process is started."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.sweeps: list[str] = []

    def prepare(self, task: Task) -> None:
        self.sweeps.append(task.sweep)


def test_the_process_is_started_meanwhile_where_it_will_be_needed(ground: Ground) -> None:
    ground.begin("HD_1", **TPE)
    ground.begin("HD_2", **{**TPE, "max_total_runs": 10})
    ground.begin("HD_3")
    sampler = Prepared()

    async def story() -> None:
        drawer = Drawer(ground.database, Notifications(), ground.clock, sampler, Placement(ground.clock))
        for _ in range(2):
            await drawer.step()

    asyncio.run(story())
    assert sampler.sweeps == ["HD_1"]
