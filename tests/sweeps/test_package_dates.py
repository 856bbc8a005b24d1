"""Trials tell as of which day their packages are, as single runs do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from faena.db import Write
from faena.environments.model import Lock
from faena.environments.schemas import EnvironmentRequest
from faena.environments.service import ReadyEnvironment
from faena.runs import service as runs
from faena.runs.engine import prepare
from faena.sweeps import service
from faena.sweeps.checks import check
from faena.sweeps.schemas import Objective, Policy, Sampling, SweepRequest, SweepSpec
from tests.databases import Databases
from tests.runs.test_preparing import LOCK
from tests.sweeps.ground import READY, SWEEP, Ground

_AUTO = msgspec.structs.replace(LOCK, as_of="2019-05-27")


@pytest.mark.parametrize("is_known", [True, False])
def test_each_trial_has_the_day_that_was_found_and_so_has_the_sweep(
    is_known: bool, tmp_path: Path, databases: Databases
) -> None:
    ground = Ground(databases.open(tmp_path / "faena.db", on_commit=lambda *_: None))
    _begin(ground, _AUTO if is_known else None)
    if not is_known:
        ground.write(lambda write: _built(ground, write))
    for _ in range(2):
        for run in ground.open():
            ground.start(run)
            ground.end(run)
    told = [_told(ground, str(trial.run_id)) for trial in ground.trials()]
    assert told == [("2019-05-27", "auto")] * 4
    assert _told(ground, SWEEP) == ("2019-05-27", "auto")


def _begin(ground: Ground, found: Lock | None) -> None:
    spec = SweepSpec(
        space={"--lr": ["uniform", [0, 1]]},
        sampling=Sampling("random", 1),
        objectives=(Objective("Accuracy", "maximize"),),
        policy=Policy(),
        max_total_runs=4,
        max_concurrent_runs=2,
    )
    submission = msgspec.structs.replace(ground.submission(), environment=EnvironmentRequest(as_of="auto"))
    asked, ready = SweepRequest(spec, submission), READY if found is not None else None
    space = check(spec)
    ground.write(lambda write: service.begin(write, SWEEP, asked, space, ground.clock.now(), ready, found))


def _built(ground: Ground, write: Write) -> None:
    waiting = [runs.get(write, run) for run in ground.open()]
    prepare.queue_all(write, waiting, ReadyEnvironment(_AUTO, READY[1]), ground.clock.now())


def _told(ground: Ground, run_id: str) -> tuple[str, str]:
    view = ground.read(lambda read: runs.view(read, runs.get(read, run_id), with_outlook=False))
    return view.as_of, view.as_of_from
