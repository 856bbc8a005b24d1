"""What a sweep tells of itself in azureml-logs/hyperdrive.txt: v1's lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.runs.model import EndReason
from faena.sweeps import issuing, service
from faena.sweeps.schemas import GivenTrials, Sampling
from faena.tracking import query
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground

PREPARED = (
    "[SCHEDULER][INFO]The execution environment is being prepared. Please be patient as it can take a few "
    "minutes."
)


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def told(ground: Ground) -> list[str]:
    """Its lines, without their times."""
    text = ground.read(lambda read: query.log_text(read, None, SWEEP, "azureml-logs/hyperdrive.txt")).data
    lines = text.decode().splitlines()
    found = [
        re.fullmatch(r"<START>\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\](.*)<END>", line) for line in lines
    ]
    assert all(found), lines
    return [match[1] for match in found if match]


def sampled(count: int) -> list[str]:
    return [
        f"[GENERATOR][INFO]Trying to sample '{count}' jobs from the hyperparameter space",
        f"[GENERATOR][INFO]Successfully sampled '{count}' jobs, they will soon be submitted to the execution target.",
    ]


def scheduled(*numbers: object) -> list[str]:
    return [f"[SCHEDULER][INFO]Scheduling job, id='{SWEEP}_{number}'" for number in numbers]


def test_trials_that_are_sampled(ground: Ground) -> None:
    ground.begin(max_total_runs=3, max_concurrent_runs=2)
    ground.log("HD_1_0", [0.5])
    ground.end("HD_1_0")
    assert told(ground) == [
        "[API][INFO]Experiment created",
        *sampled(2),
        PREPARED,
        *scheduled(0, 1),
        *sampled(1),
        *scheduled(2),
    ]


def test_one_that_goes_again_and_one_that_is_given_are_not_sampled(ground: Ground) -> None:
    ground.begin(max_total_runs=1, max_concurrent_runs=1)
    before = len(told(ground))
    ground.write(lambda write: service.give(write, SWEEP, GivenTrials(({"--lr": 0.5},)), ground.clock.now()))
    ground.end("HD_1_0", EndReason.NODE_LOST)
    ground.log("HD_1_0_again1", [0.5])
    ground.end("HD_1_0_again1")
    again, *rest = told(ground)[before:]
    assert again.startswith("[SCHEDULER][WARNING]Job 'HD_1_0' goes again: ")
    assert rest == scheduled("0_again1", 1)


def test_a_place_that_a_model_draws_for_is_tried_and_then_filled(ground: Ground) -> None:
    ground.begin(sampling=Sampling("bayesian"), max_total_runs=2, max_concurrent_runs=1)
    sweep = ground.sweep()
    point = sweep.space.require({"--lr": 0.5})
    ground.write(lambda write: issuing.take_place(write, sweep, 0, point, None, ground.clock.now()))
    tried, found = sampled(1)
    assert told(ground) == ["[API][INFO]Experiment created", tried, found, PREPARED, *scheduled(0)]
