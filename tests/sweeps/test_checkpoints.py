"""A trial that is tried again goes on from what its last try had saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.kernel import digests
from faena.runs import checkpoint_store, checkpoints
from faena.runs import service as runs
from faena.runs.checkpoint_store import TakenFile
from faena.runs.model import EndReason
from faena.runs.submission_schemas import Checkpoint, Submission
from faena.sweeps import service
from faena.sweeps.generations import FOLDER
from faena.sweeps.schemas import Population, Retries, Sampling
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def submission(ground: Ground, run_id: str) -> Submission:
    return ground.read(lambda read: runs.asked_for(runs.get(read, run_id)))


def save(ground: Ground, run_id: str, text: str) -> None:
    """As the node takes it while the script runs."""
    file = TakenFile("state", digests.of_bytes(text.encode()), len(text), 1, ground.clock.now())
    ground.write(lambda write: checkpoint_store.replace(write, run_id, 1, 0, {"state": file}))


def found_by(ground: Ground, run_id: str) -> tuple[str, list[str]]:
    """The folder, and digests of the files in it, that a trial's script starts with."""
    given = submission(ground, run_id).checkpoint
    assert given is not None
    files = ground.read(lambda read: checkpoints.files(read, given))
    assert ground.read(lambda read: checkpoints.missing(read, given)) == ""
    return given.folder, [file.digest for file in files]


def test_a_trial_whose_node_was_lost_goes_on(ground: Ground) -> None:
    ground.begin()
    save(ground, "HD_1_0", "half way")
    ground.end("HD_1_0", EndReason.NODE_LOST)
    assert found_by(ground, "HD_1_0_again1") == ("outputs/checkpoints", [digests.of_bytes(b"half way")])
    ground.end("HD_1_0_again1", EndReason.NODE_LOST)
    assert found_by(ground, "HD_1_0_again2") == found_by(ground, "HD_1_0_again1"), "it had saved nothing more"
    assert submission(ground, "HD_1_1").checkpoint is None


def test_the_sweep_itself_tries_its_trials_again(ground: Ground) -> None:
    ground.begin()
    asked = submission(ground, "HD_1_0")
    assert (asked.max_node_losses, asked.max_retries) == (0, 0)


def test_so_does_one_that_failed_and_is_tried_again_by_hand(ground: Ground) -> None:
    ground.begin(fail_fast=False, max_concurrent_runs=1)
    save(ground, "HD_1_0", "half way")
    ground.end("HD_1_0", EndReason.EXIT_CODE)
    ground.write(lambda write: service.rerun_failed(write, SWEEP, ground.clock.now()))
    ground.end("HD_1_1")
    assert found_by(ground, "HD_1_0_again1")[1] == [digests.of_bytes(b"half way")]


def test_one_of_a_population_finds_it_where_its_argument_says(ground: Ground) -> None:
    ground.begin(
        sampling=Sampling("pbt", 3, population=Population(4, "--checkpoint-dir")),
        max_total_runs=12,
        max_concurrent_runs=2,
        retries=Retries(node_lost=3),
    )
    save(ground, "HD_1_0", "half way")
    for number in (0, 1):
        ground.end(f"HD_1_{number}", EndReason.NODE_LOST)
    assert found_by(ground, "HD_1_0_again1") == (FOLDER, [digests.of_bytes(b"half way")])
    assert submission(ground, "HD_1_1_again1").checkpoint == Checkpoint(FOLDER), "it had saved nothing"
