"""What is asked twice, of itself, or of too much at once: nothing happens twice, and the refusal says what to do."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from faena.compute import store as compute
from faena.db import Read
from faena.kernel import data_loss
from faena.kernel.errors import NotFound, UserErrorException
from faena.runs import record_store
from faena.runs import service as runs
from faena.runs.model import EndReason
from faena.sweeps import judging, service, standing, trial_store, views
from faena.sweeps.policies import decide
from faena.sweeps.schemas import AdoptedRuns, GivenTrials, Goal, Objective, Policy, TrialView
from faena.tracking import ingest
from faena.tracking.model import StoredFile, StreamKey
from faena.tracking.store import files as run_files
from tests.databases import Databases, on_both
from tests.sweeps.ground import SWEEP, Ground
from tests.tracking.frames import event


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def give(ground: Ground, asked: GivenTrials) -> list[TrialView]:
    return ground.write(lambda write: service.give(write, SWEEP, asked, ground.clock.now()))


def adopt(ground: Ground, sweep_id: str, *run_ids: str) -> list[TrialView]:
    return ground.write(lambda write: service.adopt(write, sweep_id, AdoptedRuns(run_ids)))


def adopted(ground: Ground, sweep_id: str) -> list[str | None]:
    return [trial.run_id for trial in ground.trials(sweep_id) if trial.number < 0]


def statements_of(ground: Ground, work: Callable[[], object]) -> int:
    with patch.object(Read, "execute", autospec=True, side_effect=Read.execute) as executed:
        work()
    return int(executed.call_count)


def leave_outputs(ground: Ground, run_id: str) -> None:
    stored = {name: StoredFile("0" * 64, 3) for name in ("outputs/model", "outputs/more")}
    ground.write(lambda write: run_files.put(write, run_id, stored, ground.clock.now()))


def count_outputs(ground: Ground, run_id: str) -> int:
    return len(ground.read(lambda read: list(run_files.of_run(read, run_id, ""))))


class TestTrialsByHand:
    def test_a_request_that_comes_again_has_no_second_effect(self, ground: Ground) -> None:
        ground.begin(max_concurrent_runs=1)
        asked = GivenTrials(({"--lr": 0.25}, {"--lr": 0.75}), "req_1")
        first = give(ground, asked)
        assert [trial.number for trial in give(ground, asked)] == [trial.number for trial in first] == [1, 2]
        assert len(give(ground, GivenTrials(asked.trials, "req_2"))) == 2
        assert [trial.number for trial in ground.trials()] == [0, 1, 2, 3, 4]
        for run_id in ("HD_1_0", "HD_1_1", "HD_1_2", "HD_1_3", "HD_1_4"):
            ground.end(run_id)
        assert ground.status() == "Completed"
        assert [trial.number for trial in give(ground, asked)] == [1, 2], (
            "the answer was lost, and is asked again"
        )

    def test_no_more_at_once_than_a_transaction_writes_in_a_moment(self, ground: Ground) -> None:
        ground.begin()
        with pytest.raises(UserErrorException, match="1,001 trials are too many at once"):
            give(ground, GivenTrials(({"--lr": 0.5},) * 1001))
        with pytest.raises(UserErrorException, match="100,000 runs are too many at once"):
            adopt(ground, SWEEP, *(f"r{number}" for number in range(100_000)))


class TestRunsThatAreTakenIn:
    def test_none_is_known_twice(self, ground: Ground) -> None:
        ground.begin()
        ground.begin("HD_2")
        ground.end("HD_1_0")
        for _ in range(2):
            assert [trial.number for trial in adopt(ground, "HD_2", "HD_1_0", "HD_1_0")] == [-1]
        assert [trial.number for trial in adopt(ground, SWEEP, "HD_1_0")] == [0], "it is a trial of it"
        assert (adopted(ground, "HD_2"), adopted(ground, SWEEP)) == (["HD_1_0"], [])

    def test_a_sweep_is_no_trial(self, ground: Ground) -> None:
        ground.begin(max_total_runs=1)
        ground.begin("HD_2")
        ground.end("HD_1_0")
        assert ground.status() == "Completed"
        with pytest.raises(UserErrorException, match="Run HD_1 is a sweep"):
            adopt(ground, "HD_2", SWEEP)


class TestGoingOn:
    def test_a_sweep_cannot_go_on_from_itself(self, ground: Ground) -> None:
        with pytest.raises(UserErrorException, match="HD_1 cannot go on from itself"):
            ground.begin(resume_from=(SWEEP,))
        with pytest.raises(NotFound):
            ground.status()

    def test_what_is_named_twice_counts_once(self, ground: Ground) -> None:
        ground.begin()
        ground.end("HD_1_0", EndReason.EXIT_CODE)
        ground.begin("HD_2", resume_from=(SWEEP, SWEEP))
        assert adopted(ground, "HD_2") == ["HD_1_0"]
        ground.begin("HD_3", resume_from=(SWEEP, "HD_2"))
        assert adopted(ground, "HD_3") == ["HD_1_0"]
        ground.begin("HD_4", resume_child_runs=("HD_1_0", "HD_1_0"), max_total_runs=1)
        assert [trial.source for trial in ground.trials("HD_4")] == ["given"]


POLICIES = {
    "bandit": Policy("bandit", slack_factor=0.3),
    "median": Policy("median", evaluation_interval=2),
    "truncation": Policy("truncation", truncation_percentage=30, delay_evaluation=3),
    "without those that ended": Policy("truncation", truncation_percentage=30, exclude_finished=True),
    "asha": Policy("asha"),
    "hyperband": Policy("hyperband", max_interval=27),
    "bandit by steps": Policy("bandit", slack_factor=0.3, evaluation_interval=3, interval="step"),
    "median by steps": Policy("median", evaluation_interval=4, interval="step"),
    "truncation by steps": Policy("truncation", truncation_percentage=30, interval="step"),
    "asha by steps": Policy("asha", interval="step"),
}
GOALS: dict[str, Goal] = {
    "median": "minimize",
    "asha": "minimize",
    "bandit by steps": "minimize",
    "median by steps": "minimize",
}


class TestManyValuesInOneBatch:
    @pytest.mark.few(1)
    @on_both("which", {name: name for name in POLICIES}, few=("median", "asha by steps"))
    def test_are_judged_as_if_they_came_one_by_one(
        self, databases: Databases, tmp_path: Path, which: str
    ) -> None:
        policy, goal = POLICIES[which], GOALS.get(which, "maximize")
        chance = random.Random(11)
        brought = [(chance.randrange(6), chance.randrange(1, 12)) for _ in range(24)]
        values = [
            [chance.choice([chance.random(), chance.random(), math.nan]) for _ in range(11)] for _ in brought
        ]
        logged_at = [
            sorted(chance.randrange(batch * 2, batch * 2 + 9) for _ in range(11)) for batch in range(24)
        ]
        known = []
        for together in (True, False):
            ground = Ground(databases.open(tmp_path / f"{together}.db"), max_nodes=6)
            objectives = (Objective("Accuracy", goal),)
            ground.begin(policy=policy, objectives=objectives, max_total_runs=6, max_concurrent_runs=6)
            for (number, count), logged, steps in zip(brought, values, logged_at, strict=True):
                ranges = [(0, count)] if together else [(place, place + 1) for place in range(count)]
                for first, last in ranges:
                    ground.log(f"HD_1_{number}", logged[first:last], steps=steps[first:last])
            found = ground.trials()
            known.append(
                (
                    [(trial.intervals, trial.stopped, trial.status) for trial in found],
                    ground.read(lambda read: sorted(map(tuple, read.execute(sa.select(standing.records))))),
                    ground.read(lambda read: sorted(map(tuple, read.execute(sa.select(standing.rows))))),
                )
            )
        assert known[0] == known[1]
        assert any(stopped for _, stopped, _ in known[0][0]), "the policy stops somebody"

    @on_both("which", {name: name for name in ("bandit", "median")}, few=("median",))
    def test_more_than_can_be_judged_in_a_moment_is_taken_bit_by_bit(
        self, databases: Databases, tmp_path: Path, which: str
    ) -> None:
        rise = [0.5] * 340 + [3.0] * 60  # where the third is overtaken
        values = [[value + n / 1e6 for n, value in enumerate(each)] for each in (rise, rise, [0.6] * 400)]
        known = []
        for most in (1_500, 20_000):
            ground = Ground(databases.open(tmp_path / f"{most}.db"))
            ground.begin(policy=POLICIES[which], max_total_runs=3, max_concurrent_runs=3)
            with (
                patch.object(judging, "_MOST_VALUES", most),
                patch.object(ingest, "_SMALL", 1_000),
                patch.object(ingest, "append", side_effect=ingest.append) as appended,
            ):
                for number, logged in enumerate(values):
                    ground.log(f"HD_1_{number}", logged)
            known.append(
                (
                    [(trial.intervals, trial.stopped) for trial in ground.trials()],
                    ground.read(lambda read: sorted(map(tuple, read.execute(sa.select(standing.records))))),
                    ground.read(lambda read: sorted(map(tuple, read.execute(sa.select(standing.rows))))),
                )
            )
            batches = [call for call in appended.call_args_list if call.args[1].is_spool]
            assert len(batches) == (6 if most == 1_500 else 3)
        assert known[0] == known[1]
        assert any(stopped for _, stopped in known[0][0])

    def test_of_a_long_list_a_policy_looks_at_the_first_values_and_the_last(self, ground: Ground) -> None:
        """A record is taken whole; what it holds counts."""
        ground.begin(policy=Policy("median"))
        ground.start("HD_1_0")
        record = event("list", name="Accuracy", values=[0.5] * 59_998 + [float("nan"), 0.8])
        key = StreamKey("HD_1_0", 1, 0, "spool/7-0a1b2c3d")
        with (
            patch.object(judging, "_MOST_VALUES", 100),
            patch.object(judging, "decide", wraps=decide) as seen,
        ):
            done = ground.write(lambda write: ingest.append(write, key, 0, record, ground.clock.now()))
        assert done.offset == len(record)
        assert ground.trials()[0].intervals == 60_000
        assert seen.call_count == 101
        [trial] = ground.read(lambda read: trial_store.of_runs(read, SWEEP, ["HD_1_0"]))
        assert (trial.reached.finite, trial.reached.best) == (59_999, 0.8)
        assert trial.reached.mean == pytest.approx((59_998 * 0.5 + 0.8) / 59_999)

    def test_and_may_stop_its_trial_by_the_last(self, ground: Ground) -> None:
        ground.begin(policy=Policy("bandit", slack_amount=0.1, delay_evaluation=200), max_total_runs=2)
        ground.log("HD_1_0", [0.9] * 300)
        ground.start("HD_1_1")
        record = event("list", name="Accuracy", values=[0.5] * 300)
        key = StreamKey("HD_1_1", 1, 0, "spool/7-0a1b2c3d")
        with patch.object(judging, "_MOST_VALUES", 100):
            ground.write(lambda write: ingest.append(write, key, 0, record, ground.clock.now()))
        assert ground.trials()[1].stopped == "stopped at interval 300: 0.5 against 0.9 - 0.1"

    def test_the_writer_is_not_held_by_statements_for_each(self, ground: Ground) -> None:
        ground.begin(policy=Policy("bandit", slack_factor=0.1))
        ground.log("HD_1_0", [1.0])
        few = statements_of(ground, lambda: ground.log("HD_1_0", [2.0, 3.0]))
        many = statements_of(ground, lambda: ground.log("HD_1_0", [3.0 + number for number in range(2000)]))
        assert many < few + 50


class TestWhatBelongsToOthers:
    """Runs that a sweep was given to know are not its own: it neither takes from them nor ends by them."""

    def test_outputs_of_runs_that_were_taken_in_stay(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2)
        ground.log("HD_1_0", [0.1])
        outputs = {"HD_1_0": 2, "HD_2_0": 2, "HD_2_1": 0}
        leave_outputs(ground, "HD_1_0")
        ground.end("HD_1_0")
        ground.begin("HD_2", resume_from=(SWEEP,), keep_outputs=1)
        for run_id, value in (("HD_2_0", 0.9), ("HD_2_1", 0.8)):
            ground.log(run_id, [value])
            leave_outputs(ground, run_id)
            ground.end(run_id)
        assert {run_id: count_outputs(ground, run_id) for run_id in outputs} == outputs

    def test_a_sweep_is_not_stopped_by_failures_of_one_before(self, ground: Ground) -> None:
        ground.begin(max_total_runs=3, max_concurrent_runs=3)
        for number in range(3):
            ground.end(f"HD_1_{number}", EndReason.EXIT_CODE, "ImportError: no module")
        assert ground.status() == "Failed"
        ground.begin("HD_2", resume_from=(SWEEP,))
        ground.end("HD_2_0", EndReason.EXIT_CODE, "ValueError: a bad seed")
        assert ground.status("HD_2") == "Running"
        view = ground.read(lambda read: views.view(read, "HD_2"))
        assert view.counts == {"Failed": 1, "Queued": 2}

    def test_nor_is_one_saved_by_what_went_well_before(self, ground: Ground) -> None:
        ground.begin(max_total_runs=3, max_concurrent_runs=3)
        for number in range(3):
            ground.end(f"HD_1_{number}")
        ground.begin("HD_2", resume_from=(SWEEP,), max_total_runs=9, max_concurrent_runs=1)
        for number in range(3):
            ground.end(f"HD_2_{number}", EndReason.EXIT_CODE, "ImportError: no module")
        assert ground.status("HD_2") == "Failed"

    def test_a_policy_holds_nobody_against_them_after_a_retry_either(self, ground: Ground) -> None:
        bandit = Policy("bandit", slack_factor=0.1)
        ground.begin(max_total_runs=1, policy=bandit)
        ground.log("HD_1_0", [0.9])
        ground.end("HD_1_0")
        ground.begin("HD_2", resume_from=(SWEEP,), policy=bandit)
        ground.log("HD_2_0", [0.5])
        ground.end("HD_2_0", EndReason.NODE_LOST)
        assert not ground.log("HD_2_1", [0.4])


def test_trials_that_fail_alike_end_a_sweep_that_runs_many_at_once(
    databases: Databases, tmp_path: Path
) -> None:
    ground = Ground(databases.open(tmp_path / "wide.db"), max_nodes=30)
    ground.begin(max_total_runs=100, max_concurrent_runs=30)
    for run_id in ("HD_1_0", "HD_1_1", "HD_1_2"):
        ground.end(run_id, EndReason.EXIT_CODE, "ImportError: no module")
    assert ground.status() == "Failed"
    assert len(ground.trials()) == 32


def test_a_sweep_whose_cluster_was_deleted_fills_no_queue(ground: Ground) -> None:
    ground.begin(max_total_runs=9, max_concurrent_runs=3)
    ground.write(lambda write: compute.delete_cluster(write, "cpu"))
    for run_id in ("HD_1_0", "HD_1_1", "HD_1_2"):
        ground.end(run_id)
    assert ground.open() == ["HD_1_3"]
    waits_for = ground.read(lambda read: runs.view(read, runs.get(read, "HD_1_3"))).blocker
    assert waits_for == "cluster 'cpu', which is not there any more: make one of that name, or cancel the run"


def test_a_trial_that_could_not_keep_what_it_logged_says_nothing_of_the_metric(ground: Ground) -> None:
    losses = [data_loss.dropped("7", 5), data_loss.damaged("7", 40), data_loss.cut("spool/7", 80, 40, 40)]
    losses.append(data_loss.gone("spool/7", 80, 0))
    assert {loss.code for loss in losses} == data_loss.CODES
    ground.begin()
    loss = losses[0]
    ground.write(
        lambda write: record_store.add_note(write, "HD_1_0", loss.code, loss.message, about=loss.about)
    )
    ground.end("HD_1_0")
    assert ground.read(lambda read: record_store.list_notes(read, SWEEP)) == []
    ground.end("HD_1_1")
    [(code, told)] = ground.read(lambda read: record_store.list_notes(read, SWEEP))
    assert (code, "Trial 1 has completed and logged no metric" in told) == ("primary_metric", True)
