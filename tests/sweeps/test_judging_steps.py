"""Policies whose intervals are steps, in the transactions that bring the values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.runs import record_store
from faena.sweeps.schemas import Policy
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground

BANDIT = Policy("bandit", slack_amount=0.2, evaluation_interval=10, interval="step")


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def notes(ground: Ground) -> dict[str, str]:
    return dict(ground.read(lambda read: record_store.list_notes(read, SWEEP)))


def test_scripts_that_log_at_other_steps_are_compared_at_equal_ones(ground: Ground) -> None:
    ground.begin(policy=BANDIT)
    assert not ground.log("HD_1_0", [0.3, 0.8], steps=[5, 10])
    assert not ground.log("HD_1_1", [0.5], steps=[7])
    assert ground.log("HD_1_1", [0.9], steps=[14])
    stopped = ground.trials()[1]
    assert (stopped.stopped, stopped.intervals) == ("stopped at step 10: 0.5 against 0.8 - 0.2", 14)


def test_a_script_without_steps_ends_the_sweep_and_is_told_why(ground: Ground) -> None:
    ground.begin(policy=BANDIT)
    assert ground.log("HD_1_0", [0.5])
    said = "Trial 0 logs 'Accuracy' without a step"
    assert said in notes(ground)["no_step"]
    assert said in ground.sweep().told
    for run_id in ground.open():
        ground.end(run_id)
    assert (ground.status(), len(ground.trials())) == ("Failed", 2)


def test_or_goes_on_unjudged_where_that_is_asked(ground: Ground) -> None:
    ground.begin(policy=BANDIT, fail_fast=False)
    assert not ground.log("HD_1_0", [0.9, 0.9])
    assert not ground.log("HD_1_1", [0.1, 0.1], steps=[10, 20])
    assert "no_step" in notes(ground)
    assert [trial.stopped for trial in ground.trials()] == ["", ""]


def test_values_without_a_step_among_others_are_no_mistake(ground: Ground) -> None:
    ground.begin(policy=BANDIT)
    assert not ground.log("HD_1_0", [0.8, 0.9], steps=[10, None])
    assert ground.log("HD_1_1", [0.1, 0.2, 0.95], steps=[5, 10, None])
    assert notes(ground) == {}
