"""Population based training in the ledger: each generation goes on from the checkpoints of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faena.db import Read
from faena.kernel import digests
from faena.kernel.errors import UserErrorException
from faena.runs import checkpoints, record_store
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import EndReason
from faena.runs.submission_schemas import Checkpoint, Submission
from faena.sweeps import archiving, changing, ledger, service, store
from faena.sweeps.generations import FOLDER
from faena.sweeps.schemas import GivenTrials, Objective, Population, Retries, Sampling, SweepChange
from faena.tracking.model import StoredFile
from faena.tracking.store import files as run_files
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground

LR: dict[str, Any] = {"space": {"--lr": ["uniform", [0, 1]]}}


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def train(ground: Ground, members: int = 4, **spec: Any) -> None:
    ground.begin(
        **{
            "sampling": Sampling("pbt", 3, population=Population(members, "--checkpoint-dir")),
            "max_total_runs": 3 * members,
            "max_concurrent_runs": 2,
            "value": "last",
            **LR,
            **spec,
        }
    )


def submission(ground: Ground, run_id: str) -> Submission:
    run = ground.read(lambda read: run_rows.get(read, run_id))
    assert run is not None
    return msgspec.json.decode(run.submission, type=Submission)


def checkpoint(ground: Ground, number: int) -> Checkpoint:
    found = submission(ground, f"HD_1_{number}").checkpoint
    assert found is not None
    return found


def order_of(read: Read, run_id: str) -> dict[str, Any] | None:
    run = runs.get(read, run_id)
    return checkpoints.of_order(read, run, runs.asked_for(run), 1, 0)


def leave(ground: Ground, run_id: str, text: str | None = None) -> None:
    """The script writes its checkpoint."""
    text = run_id if text is None else text
    stored = {f"{FOLDER}/state.json": StoredFile(digests.of_bytes(text.encode()), len(text))}
    ground.write(lambda write: run_files.put(write, run_id, stored, ground.clock.now()))


def end(ground: Ground, number: int, value: float, reason: EndReason = EndReason.COMPLETED) -> None:
    """A trial logs a value, and leaves a checkpoint where it completes."""
    run_id = f"HD_1_{number}"
    ground.log(run_id, [value])
    if reason is EndReason.COMPLETED:
        leave(ground, run_id)
    ground.end(run_id, reason)


def lineages(ground: Ground) -> dict[int, tuple[int | None, int | None]]:
    return {trial.number: (trial.parent, trial.checkpoint) for trial in ground.trials()}


def notes(ground: Ground) -> dict[str, str]:
    return dict(ground.read(lambda read: record_store.list_notes(read, SWEEP)))


class TestGenerations:
    def test_one_begins_when_the_one_before_has_ended(self, ground: Ground) -> None:
        train(ground)
        assert ground.open() == ["HD_1_0", "HD_1_1"]
        for number in (1, 0, 3):
            end(ground, number, number)
        assert ground.open() == ["HD_1_2"]
        end(ground, 2, 2)
        assert ground.open() == ["HD_1_4", "HD_1_5"]
        for number in range(4, 12):
            end(ground, number, number)
        assert (ground.status(), len(ground.trials())) == ("Completed", 12)
        assert [trial.member for trial in ground.trials()] == [0, 1, 2, 3] * 3

    def test_the_worst_takes_the_best_ones_checkpoint_and_parameters_beside_its_own(
        self, ground: Ground
    ) -> None:
        train(ground)
        for number, value in enumerate([0.4, 0.1, 0.9, 0.5]):
            end(ground, number, value)
        end(ground, 4, 0.4)
        end(ground, 5, 0.9)
        assert lineages(ground) == {
            **dict.fromkeys(range(4), (None, None)),
            4: (0, 0),
            5: (2, 2),
            6: (2, 2),
            7: (3, 3),
        }
        trials = ground.trials()
        rates = [trial.parameters["--lr"] for trial in trials]
        assert [rates[4], rates[6], rates[7]] == [rates[0], rates[2], rates[3]]
        assert rates[5] not in rates[:5]
        assert checkpoint(ground, 0) == Checkpoint(FOLDER)
        given = checkpoint(ground, 5)
        assert given == ground.read(lambda read: checkpoints.of_run(read, "HD_1_2", FOLDER))
        assert submission(ground, "HD_1_5").arguments[:2] == ("--checkpoint-dir", FOLDER)

    def test_who_failed_starts_again_from_its_last_good_checkpoint(self, ground: Ground) -> None:
        train(ground, members=3, max_total_runs=12, fail_fast=False)
        for number, value in enumerate([0.5, 0.9, 0.7]):
            end(ground, number, value)
        end(ground, 3, 0.5, EndReason.EXIT_CODE)
        end(ground, 4, 0.9, EndReason.EXIT_CODE)
        end(ground, 5, 0.8, EndReason.EXIT_CODE)
        for number in (6, 7, 8):
            leave(ground, f"HD_1_{number - 3}", "half a checkpoint")
            end(ground, number, 0.1 * number)
        assert lineages(ground)[4] == (1, 1)
        found = lineages(ground)
        assert (found[6], found[7], found[8]) == ((3, found[3][1]), (4, 1), (5, 2)), "all of them failed"
        assert checkpoint(ground, 7).run == "HD_1_1"
        assert ground.trials()[7].parameters == ground.trials()[4].parameters

    def test_a_lost_node_costs_an_interval_and_no_checkpoint(self, ground: Ground) -> None:
        train(ground, retries=Retries(node_lost=1))
        for number in range(4):
            end(ground, number, number)
        ground.end("HD_1_4", EndReason.NODE_LOST)
        assert "HD_1_4_again1" in ground.open()
        again, before = submission(ground, "HD_1_4_again1"), submission(ground, "HD_1_4")
        assert (again.checkpoint, again.arguments) == (before.checkpoint, before.arguments)

    @pytest.mark.long
    def test_it_is_the_same_at_any_concurrency_and_in_any_order(
        self, databases: Databases, tmp_path: Path
    ) -> None:
        found = []
        for at_once in (1, 4):
            ground = Ground(databases.open(tmp_path / f"{at_once}.db"))
            train(ground, max_concurrent_runs=at_once)
            while open_ := ground.open():
                number = int(open_[-1].rpartition("_")[2])
                end(ground, number, ground.trials()[number].parameters["--lr"] + number // 4)
            found.append([(each.parameters, each.parent, each.checkpoint) for each in ground.trials()])
        assert found[0] == found[1]

    def test_a_space_smaller_than_the_population_is_tried_more_than_once(self, ground: Ground) -> None:
        train(ground, space={"--n": ["choice", [[1, 2]]]})
        while open_ := ground.open():
            end(ground, int(open_[0].rpartition("_")[2]), 1)
        values = [trial.parameters["--n"] for trial in ground.trials()]
        assert (len(values), {*values[:2]}, ground.status()) == (12, {1, 2}, "Completed")


class TestWhatIsMissing:
    def test_a_script_that_leaves_no_checkpoint_is_told_of_at_once(self, ground: Ground) -> None:
        train(ground)
        ground.log("HD_1_0", [1.0])
        ground.end("HD_1_0")
        assert (
            "Trial 0 has completed and left no checkpoint in outputs/checkpoint"
            in notes(ground)["checkpoint"]
        )
        assert "--checkpoint-dir" in notes(ground)["checkpoint"]
        for number in (1, 2, 3):
            ground.log(f"HD_1_{number}", [1.0])
            ground.end(f"HD_1_{number}")
        assert (ground.status(), len(ground.trials())) == ("Failed", 4)
        assert "no trial of the first generation" in ground.sweep().told.lower()

    def test_it_goes_on_all_the_same_where_it_is_told_to(self, ground: Ground) -> None:
        train(ground, fail_fast=False)
        while open_ := ground.open():
            ground.end(open_[0])
        assert len(ground.trials()) == 12
        assert all(trial.checkpoint is None for trial in ground.trials())

    def test_one_that_left_none_is_nobodys_model(self, ground: Ground) -> None:
        train(ground)
        for number in range(3):
            end(ground, number, number)
        ground.log("HD_1_3", [100.0])
        ground.end("HD_1_3")
        for number in (4, 5, 6, 7):
            end(ground, number, 1)
        assert lineages(ground)[7] == (2, 2), "it is the worst, as its score is worth nothing"
        second = [lineages(ground)[number][0] for number in (4, 5, 6)]
        assert second == [0, 1, 2], "nobody goes on from it, whatever its score"

    def test_a_checkpoint_that_has_changed_is_not_taken_for_the_same(self, ground: Ground) -> None:
        train(ground)
        for number in range(4):
            end(ground, number, number)
        given = checkpoint(ground, 5)
        order = ground.read(lambda read: order_of(read, "HD_1_5"))
        assert order is not None
        assert (order["missing"], [file["path"] for file in order["files"]]) == ("", ["state.json"])
        leave(ground, given.run, "other bytes")
        order = ground.read(lambda read: order_of(read, "HD_1_5"))
        assert order is not None
        assert f"outputs/checkpoint of run {given.run}, is not there any more as it was" in order["missing"]

    @pytest.mark.parametrize(
        "given", [Checkpoint("checkpoint"), Checkpoint("outputs/../code"), Checkpoint("outputs/a", "HD_1_0")]
    )
    def test_no_run_starts_from_what_it_cannot_have(self, ground: Ground, given: Checkpoint) -> None:
        with pytest.raises(UserErrorException, match="checkpoint"):
            ground.read(lambda read: checkpoints.accept(read, given))


class TestChanges:
    def test_trials_by_hand_are_of_the_first_generation(self, ground: Ground) -> None:
        train(ground)

        def give(*rates: float) -> None:
            asked = GivenTrials(tuple({"--lr": rate} for rate in rates))
            ground.write(lambda write: service.give(write, SWEEP, asked, ground.clock.now()))

        give(0.25, 0.75)
        with pytest.raises(UserErrorException, match="trains a population of 4"):
            give(0.5)
        assert [trial.parameters["--lr"] for trial in ground.trials()][2:] == [0.25, 0.75]
        while open_ := ground.open():
            end(ground, int(open_[0].rpartition("_")[2]), 1)
        assert len(ground.trials()) == 12

    def test_it_is_extended_by_generations(self, ground: Ground) -> None:
        train(ground, max_total_runs=5)
        for number in range(4):
            end(ground, number, number)
        change = SweepChange(max_total_runs=6, space={"--lr": ["uniform", [2, 3]]})
        ground.write(lambda write: changing.change(write, SWEEP, change, ground.clock.now()))
        end(ground, 4, 1)
        rates = [trial.parameters["--lr"] for trial in ground.trials()]
        assert (len(rates), 2 <= rates[5] <= 3, lineages(ground)[5]) == (6, True, (1, 1))

    def test_an_exported_sweep_still_knows(
        self, ground: Ground, databases: Databases, tmp_path: Path
    ) -> None:
        train(ground, max_total_runs=8)
        while open_ := ground.open():
            number = int(open_[0].rpartition("_")[2])
            end(ground, number, number % 4)
        record = ground.read(lambda read: archiving.recorded(read, SWEEP))
        assert record is not None
        known = ground.read(lambda read: store.get(read, SWEEP))
        assert known is not None
        assert [(each.parent, each.checkpoint) for each in record.trials] == list(lineages(ground).values())
        assert {each.parent for each in record.trials} >= {None, 1, 2, 3}

    def test_failed_ones_can_be_tried_again(self, ground: Ground) -> None:
        train(ground)
        end(ground, 0, 1, EndReason.EXIT_CODE)
        ground.write(lambda write: service.rerun_failed(write, SWEEP, ground.clock.now()))
        end(ground, 1, 1)
        assert ground.open() == ["HD_1_0_again1", "HD_1_2"], "before the next one"


def test_minimised_ones_are_ranked_the_other_way(ground: Ground) -> None:
    train(ground, objectives=(Objective("Accuracy", "minimize"),), max_total_runs=8)
    for number in range(8):
        end(ground, number, number % 4)
    assert lineages(ground)[7] == (0, 0)


def test_what_was_planned_after_a_kill_is_the_same(ground: Ground) -> None:
    """A look after the ledger at any moment issues nothing twice."""
    train(ground)
    for number in range(4):
        end(ground, number, number)
        ground.write(lambda write: ledger.keep(write, ground.sweep(), ground.clock.now()))
    assert [trial.number for trial in ground.trials()] == [0, 1, 2, 3, 4, 5]
