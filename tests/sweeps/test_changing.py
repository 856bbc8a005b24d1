"""What is asked for a second time, with something else in it, or for nothing: refused by what differs, or as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.kernel.errors import Conflict, UserErrorException
from faena.runs import record_store
from faena.runs import store as run_rows
from faena.runs.model import EndReason
from faena.sweeps import changing, service
from faena.sweeps.schemas import GivenTrials, Objective, Sampling, SweepChange, TrialView
from faena.tracking import query
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def give(ground: Ground, asked: GivenTrials) -> list[TrialView]:
    return ground.write(lambda write: service.give(write, SWEEP, asked, ground.clock.now()))


def told_of(ground: Ground) -> str:
    return ground.read(
        lambda read: query.log_text(read, None, SWEEP, "azureml-logs/hyperdrive.txt")
    ).data.decode()


class TestBegunTwice:
    @pytest.mark.parametrize(
        ("other", "named"),
        [
            ({"max_total_runs": 5}, "max_total_runs"),
            ({"space": {"--lr": ["uniform", [0, 2]]}}, "space"),
            ({"sampling": Sampling("random", 2), "patience": 3}, "sampling, patience"),
            ({"objectives": (Objective("Accuracy", "minimize"),)}, "objectives"),
        ],
    )
    def test_another_sweep_under_its_id_is_refused_by_what_differs(
        self, ground: Ground, other: dict[str, Any], named: str
    ) -> None:
        ground.begin()
        with pytest.raises(Conflict, match=rf"HD_1 .* it differs in {named}\. Use a new id"):
            ground.begin(**other)
        ground.begin()
        assert len(ground.trials()) == 2

    def test_a_sweep_that_grew_at_its_beginning_is_the_same(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2)
        for number in range(2):
            ground.end(f"HD_1_{number}")
        for _ in range(2):
            ground.begin("HD_2", resume_child_runs=("HD_1_0", "HD_1_1"), max_total_runs=1)
        assert len(ground.trials("HD_2")) == 2

    def test_a_sweep_that_was_changed_since_is_the_same_by_what_it_was_begun_with(
        self, ground: Ground
    ) -> None:
        ground.begin(max_total_runs=1, max_concurrent_runs=1)
        changes = (SweepChange(max_total_runs=3), SweepChange(space={"--lr": ["uniform", [0, 0.5]]}))
        for change in changes:
            ground.write(
                lambda write, change=change: changing.change(write, SWEEP, change, ground.clock.now())  # type: ignore[misc]  # mypy infers no lambda with defaults
            )
        given = GivenTrials(({"--lr": 0.1}, {"--lr": 0.2}, {"--lr": 0.3}))
        ground.write(lambda write: service.give(write, SWEEP, given, ground.clock.now()))
        ground.begin(max_total_runs=1, max_concurrent_runs=1)
        assert ground.sweep().spec.max_total_runs == 4  # it is not taken back
        with pytest.raises(Conflict, match=r"differs in space, max_total_runs\."):
            ground.begin(max_total_runs=2, max_concurrent_runs=1)

    def test_a_trial_is_no_sweep(self, ground: Ground) -> None:
        ground.begin()
        with pytest.raises(Conflict, match="it differs in type"):
            ground.begin("HD_1_0")


class TestChanging:
    def change(self, ground: Ground, **asked: Any) -> None:
        ground.write(lambda write: changing.change(write, SWEEP, SweepChange(**asked), ground.clock.now()))

    def test_nothing_to_change_is_refused(self, ground: Ground) -> None:
        ground.begin()
        with pytest.raises(UserErrorException, match="Nothing of sweep HD_1 is to be changed"):
            self.change(ground)

    def test_what_is_so_already_is_not_told(self, ground: Ground) -> None:
        ground.begin()
        for paused, lines in ((False, 0), (True, 1), (True, 1), (False, 2), (False, 2)):
            self.change(ground, paused=paused)
            assert told_of(ground).count("The sweep was changed") == lines

    def test_trials_by_hand_are_neither_dropped_nor_tried_outside_of_a_narrower_space(
        self, ground: Ground
    ) -> None:
        ground.begin(max_concurrent_runs=1)
        give(ground, GivenTrials(({"--lr": 0.1}, {"--lr": 0.9})))
        before = ground.sweep()
        narrow = {"--lr": ["uniform", [0, 0.4]]}
        with pytest.raises(Conflict, match=r"1 trial of sweep HD_1 .* new space: 2\. Trial 2: .*0\.9"):
            self.change(ground, space=narrow)
        assert ground.sweep() == before
        for _ in range(2):
            ground.end(ground.open()[0])
        self.change(ground, space=narrow)
        ground.end(ground.open()[0])
        assert [trial.parameters["--lr"] <= 0.4 for trial in ground.trials()] == [True, True, False, True]

    def test_nor_are_those_that_go_again(self, ground: Ground) -> None:
        ground.begin(max_concurrent_runs=2, space={"--lr": ["choice", [[0.5, 0.9]]]})
        self.change(ground, paused=True)
        ground.end("HD_1_0", EndReason.NODE_LOST)
        with pytest.raises(Conflict, match=r"new space: 0\. Trial 0: "):
            self.change(ground, space={"--lr": ["choice", [[0.1, 0.2]]]})
        self.change(ground, space={"--lr": ["choice", [[0.1, 0.5, 0.9]]]}, paused=False)
        assert ground.open() == ["HD_1_0_again1", "HD_1_1"]


class TestFirstTrialsThatFailAlike:
    def test_a_sweep_that_goes_on_all_the_same_says_so_once(self, ground: Ground) -> None:
        ground.begin(max_total_runs=6, fail_fast=False)
        for number in range(6):
            assert ground.status() == "Running"
            ground.end(f"HD_1_{number}", EndReason.EXIT_CODE, "ImportError: no module")
        notes = dict(ground.read(lambda read: record_store.list_notes(read, SWEEP)))
        assert "first 3 trials failed alike (exit_code): ImportError: no module" in notes["failing"]
        assert "fail_fast=True" in notes["failing"]
        assert told_of(ground).count("failed alike") == 1
        assert ground.status() == "Failed"

    def test_one_that_gets_no_further_as_all_fail_has_failed(self, ground: Ground) -> None:
        ground.begin(max_total_runs=9, patience=2, fail_fast=False)
        for number in range(2):
            ground.end(f"HD_1_{number}", EndReason.EXIT_CODE, f"ValueError: {number}")
        run = ground.read(lambda read: run_rows.get(read, SWEEP))
        assert run is not None and run.message is not None
        assert run.message.startswith(
            "None of its trials completed: 2 failed, the first with: ValueError: 0 It is done: 2 trials"
        )
        assert ground.status() == "Failed"

    def test_one_that_has_what_was_wanted_has_completed_whoever_failed(self, ground: Ground) -> None:
        ground.begin(max_total_runs=9, max_concurrent_runs=1, stop_at=0.9)
        ground.log("HD_1_0", [0.95])
        ground.end("HD_1_0", EndReason.EXIT_CODE, "ValueError: late")
        assert ground.status() == "Completed"


class TestGivenTwice:
    def test_the_same_request_with_other_trials_is_refused(self, ground: Ground) -> None:
        ground.begin(max_concurrent_runs=1)
        give(ground, GivenTrials(({"--lr": 0.25},), "req_1"))
        assert len(give(ground, GivenTrials(({"lr": "0.25"},), "req_1"))) == 1, "the same arguments"
        for other in (({"--lr": 0.5},), ({"--lr": 0.25}, {"--lr": 0.5})):
            with pytest.raises(Conflict, match="req_1 gave sweep HD_1 1 trial with other parameters"):
                give(ground, GivenTrials(other, "req_1"))
        assert len(ground.trials()) == 2
