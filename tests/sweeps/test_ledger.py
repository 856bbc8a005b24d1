"""Each trial is issued once, whatever ends in which order; the ledger says what it came to. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.backups import first_start
from faena.compute import store as compute
from faena.compute.model import Cluster, ClusterKind
from faena.kernel.errors import Conflict, UserErrorException
from faena.runs import build_queue
from faena.runs import service as runs
from faena.runs.engine import prepare
from faena.runs.model import EndReason
from faena.sweeps import changing, ledger, service, store, views
from faena.sweeps.model import SweepState
from faena.sweeps.schemas import AdoptedRuns, GivenTrials, Objective, Policy, Retries, Sampling, SweepChange
from faena.tracking.model import StoredFile
from faena.tracking.store import files as run_files
from tests.databases import Databases, on_both
from tests.sweeps.ground import SWEEP, Ground

GRID: dict[str, Any] = {"space": {"--n": ["choice", [[1, 2, 3, 4, 5, 6]]]}, "sampling": Sampling("grid")}


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Iterator[Ground]:
    yield Ground(databases.open(tmp_path / "faena.db"))


def numbers(ground: Ground) -> list[int]:
    return [trial.parameters["--n"] for trial in ground.trials()]


class TestIssuing:
    def test_as_many_as_may_be_there_at_once(self, ground: Ground) -> None:
        ground.begin(max_total_runs=5, max_concurrent_runs=3)
        assert ground.open() == ["HD_1_0", "HD_1_1", "HD_1_2"]
        ground.end("HD_1_1")
        assert ground.open() == ["HD_1_0", "HD_1_2", "HD_1_3"]
        for run_id in ("HD_1_0", "HD_1_2", "HD_1_3", "HD_1_4"):
            assert ground.status() == "Running"
            ground.end(run_id)
        assert (ground.status(), ground.open()) == ("Completed", [])
        assert [trial.status for trial in ground.trials()] == ["Completed"] * 5

    def test_no_more_than_the_cluster_has_nodes_for(self, databases: Databases, tmp_path: Path) -> None:
        ground = Ground(databases.open(tmp_path / "small.db"), max_nodes=1)
        ground.begin(max_total_runs=5, max_concurrent_runs=5)
        assert ground.open() == ["HD_1_0"]

    def test_trials_of_nodes_elsewhere_wait_for_what_is_made_for_these(self, ground: Ground) -> None:
        """Their environment is resolved here, and built there."""
        elsewhere = Cluster("cpu", 0, 4, 120.0, 1, 0, 0, ClusterKind.JOINED)
        ground.write(lambda write: compute.put_cluster(write, elsewhere))
        ground.begin(ready=None)
        wanted = ground.read(lambda read: prepare.wanted_by(read, runs.get(read, ground.open()[0])))
        assert wanted.elsewhere
        assert ground.read(lambda read: build_queue.for_build(read, wanted.key, 9)) == ground.open()

    def test_the_same_request_again_has_no_second_effect(self, ground: Ground) -> None:
        ground.begin()
        ground.begin()
        assert len(ground.trials()) == 2
        with pytest.raises(Conflict, match="exists already"):
            ground.write(lambda write: runs.get(write, "HD_1"))
            ground.begin(sweep_id="HD_1_0")

    @pytest.mark.long
    def test_the_trials_are_the_same_at_any_concurrency(self, databases: Databases, tmp_path: Path) -> None:
        found = []
        for at_once in (1, 4):
            ground = Ground(databases.open(tmp_path / f"{at_once}.db"))
            ground.begin(max_total_runs=8, max_concurrent_runs=at_once)
            while open_ := ground.open():
                ground.end(open_[-1])
            found.append([trial.parameters for trial in ground.trials()])
        assert found[0] == found[1]

    def test_each_choice_so_many_times(self, ground: Ground) -> None:
        ground.begin(**GRID, repeats=2, max_total_runs=5, max_concurrent_runs=4)
        while open_ := ground.open():
            ground.end(open_[0])
        assert numbers(ground) == [1, 1, 2, 2, 3]

    def test_a_space_that_holds_no_more_is_at_its_end(self, ground: Ground) -> None:
        ground.begin(**GRID, max_total_runs=50)
        while open_ := ground.open():
            ground.end(open_[0])
        assert (ground.status(), sorted(numbers(ground))) == ("Completed", [1, 2, 3, 4, 5, 6])
        assert ground.sweep().exhausted


class TestEnding:
    def test_a_value_is_the_best_of_all_that_are_finite(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2)
        ground.log("HD_1_0", [0.5, float("inf"), 0.7, float("nan"), 0.6])
        ground.log("HD_1_1", [float("nan")])
        for run_id in ("HD_1_0", "HD_1_1"):
            ground.end(run_id)
        assert [trial.value for trial in ground.trials()] == [0.7, None]
        view = ground.read(lambda read: views.view(read, SWEEP))
        assert view.best is not None
        assert (view.best.number, view.counts) == (0, {"Completed": 2})

    def test_the_last_value_and_small_ones_where_that_is_asked(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2, value="last", objectives=(Objective("Accuracy", "minimize"),))
        ground.log("HD_1_0", [0.1, 0.9])
        ground.log("HD_1_1", [0.5, 0.4])
        for run_id in ("HD_1_0", "HD_1_1"):
            ground.end(run_id)
        ranked = ground.read(lambda read: views.trials(read, SWEEP, 0, 10, best_first=True))
        assert [(trial.number, trial.value) for trial in ranked] == [(1, 0.4), (0, 0.9)]

    def test_one_that_goes_on_is_ranked_by_what_it_has_come_to(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2)
        ground.log("HD_1_0", [0.5])
        ground.end("HD_1_0")
        ground.log("HD_1_1", [0.6])
        view = ground.read(lambda read: views.view(read, SWEEP))
        assert view.best is not None and view.best.number == 1

    @pytest.mark.few(2)
    @pytest.mark.parametrize(
        ("reason", "again"),
        [
            (EndReason.NODE_LOST, True),
            (EndReason.OUT_OF_MEMORY, True),
            (EndReason.EXIT_CODE, False),
            (EndReason.CANCELED, False),
            (EndReason.TIME_LIMIT, False),
        ],
    )
    def test_what_goes_again_goes_under_its_number(
        self, ground: Ground, reason: EndReason, again: bool
    ) -> None:
        ground.begin(max_total_runs=1, retries=Retries(node_lost=1, out_of_memory=1, failed=0))
        parameters = ground.trials()[0].parameters
        ground.end("HD_1_0", reason)
        [trial] = ground.trials()
        assert trial.parameters == parameters
        if not again:
            assert ground.status() in ("Failed", "Completed")
            return
        assert (trial.run_id, trial.tries, trial.state) == ("HD_1_0_again1", 1, "open")
        ground.end("HD_1_0_again1", reason)
        assert (ground.trials()[0].state, ground.status()) == ("ended", "Failed")

    @pytest.mark.parametrize(
        "reason", [EndReason.EXIT_CODE, EndReason.SIGNAL, EndReason.NOT_STARTED], ids=str
    )
    def test_what_failed_goes_again_where_it_is_asked_for(self, ground: Ground, reason: EndReason) -> None:
        """Also a trial whose script could not be started, as where its guard was killed."""
        ground.begin(max_total_runs=1, retries=Retries(failed=1))
        ground.end("HD_1_0", reason)
        assert [(trial.run_id, trial.state) for trial in ground.trials()] == [("HD_1_0_again1", "open")]

    def test_all_trials_that_fail_make_it_fail(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2)
        for run_id in ("HD_1_0", "HD_1_1"):
            ground.end(run_id, EndReason.EXIT_CODE, "no data")
        assert ground.status() == "Failed"

    def test_what_ends_a_cancel_is_the_last_trial(self, ground: Ground) -> None:
        ground.begin(max_concurrent_runs=2)
        for run_id in ground.open():
            ground.start(run_id)
        ground.write(lambda write: runs.cancel(write, SWEEP, ground.clock.now()))
        assert ground.status() == "CancelRequested"
        assert [ground.status(run_id) for run_id in ground.open()] == ["CancelRequested"] * 2
        for run_id in ground.open():
            ground.end(run_id, EndReason.CANCELED)
        assert (ground.status(), len(ground.trials())) == ("Canceled", 2)

    def test_an_end_that_nobody_told_of_is_found(
        self, ground: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As where the function on the list failed."""
        ground.begin(max_total_runs=3, max_concurrent_runs=1)
        with monkeypatch.context() as patch:
            patch.setattr(ledger, "end_trial", lambda *_: 1 / 0)
            ground.end("HD_1_0")
        assert ground.open() == ["HD_1_0"]
        ground.write(lambda write: ledger.keep(write, ground.sweep(), ground.clock.now()))
        assert ground.open() == ["HD_1_1"]

    def test_its_time_is_up(self, ground: Ground) -> None:
        ground.begin(max_duration_minutes=1)
        ground.log(ground.open()[0], [1.0])
        ground.clock.advance(61.0)
        ground.write(lambda write: ledger.keep(write, ground.sweep(), ground.clock.now()))
        for run_id in ground.open():
            ground.end(run_id, EndReason.CANCELED)
        assert (ground.status(), len(ground.trials())) == ("Completed", 2)
        assert "max_duration_minutes" in ground.sweep().told

    def test_a_sweep_in_a_restored_workspace_has_ended(self, ground: Ground) -> None:
        ground.begin(max_total_runs=9)
        ground.start("HD_1_0")
        ground.write(lambda write: first_start.settle(write, ground.clock.now(), ground.clock.now()))
        ground.write(lambda write: ledger.keep(write, ground.sweep(), ground.clock.now()))
        assert (ground.status(), ground.open(), len(ground.trials())) == ("Failed", [], 2)
        messages = [ground.read(lambda read: runs.get(read, run_id)).message for run_id in (SWEEP, "HD_1_0")]  # noqa: B023  at once
        assert ["resume_from" in str(message) for message in messages] == [True, False]
        assert ground.sweep().state is SweepState.ENDED


class TestJudging:
    def test_the_batch_that_falls_behind_brings_the_stop(self, ground: Ground) -> None:
        ground.begin(policy=Policy("bandit", slack_amount=0.2))
        assert not ground.log("HD_1_0", [0.8])
        assert not ground.log("HD_1_1", [0.6])  # exactly on the limit
        assert ground.log("HD_1_1", [0.5]) is False  # its best is still 0.6
        ground.end("HD_1_1")
        assert ground.log("HD_1_2", [0.59])
        assert [trial.stopped for trial in ground.trials()] == [
            "",
            "",
            "stopped at interval 1: 0.59 against 0.8 - 0.2",
        ]

    def test_who_was_first_is_stopped_by_another_ones_new_best(self, ground: Ground) -> None:
        ground.begin(policy=Policy("bandit", slack_factor=0.1))
        assert not ground.log("HD_1_0", [0.1])
        assert not ground.log("HD_1_1", [0.9])
        assert ground.status("HD_1_0") == "CancelRequested"

    @pytest.mark.few(1)
    @on_both(
        "policy",
        {
            "bandit": Policy("bandit", slack_factor=0.3),
            "median": Policy("median", evaluation_interval=2),
            "truncation": Policy("truncation", truncation_percentage=40),
            "truncation of those that run": Policy(
                "truncation", truncation_percentage=40, exclude_finished=True
            ),
            "asha": Policy("asha"),
            "hyperband": Policy("hyperband", max_interval=9),
        },
        few=("median", "hyperband"),
    )
    def test_tables_decide_as_memory_does(self, databases: Databases, tmp_path: Path, policy: Policy) -> None:
        import random

        from faena.sweeps.replaying import Ended, Event, replay

        chance = random.Random(5)
        ground = Ground(databases.open(tmp_path / "faena.db"), max_nodes=5)
        ground.begin(policy=policy, max_total_runs=9, max_concurrent_runs=5)
        events: list[Event] = []
        logged = dict.fromkeys(range(9), 0)
        while open_ := ground.open():
            run_id = chance.choice(open_)
            number = int(run_id.rpartition("_")[2])
            if logged[number] < 6 and ground.status(run_id) != "CancelRequested":
                value = chance.random() + number / 20
                logged[number] += 1
                events.append((number, value))
                ground.log(run_id, [value])
                continue
            canceled = ground.status(run_id) == "CancelRequested"
            if not canceled:
                events.append(Ended(number))
            ground.end(run_id, EndReason.CANCELED if canceled else EndReason.COMPLETED)
        stopped = {trial.number: trial.stopped for trial in ground.trials() if trial.stopped}
        assert stopped == {
            stop.number: stop.decision.text for stop in replay(policy, "maximize", events).stops
        }
        assert stopped


class TestChanging:
    def change(self, ground: Ground, asked: SweepChange) -> None:
        ground.write(lambda write: changing.change(write, SWEEP, asked, ground.clock.now()))

    def test_a_narrower_space_is_tried_from_then_on(self, ground: Ground) -> None:
        ground.begin(max_total_runs=6, max_concurrent_runs=1)
        self.change(ground, SweepChange(space={"--lr": ["uniform", [0, 0.01]]}))
        while open_ := ground.open():
            ground.end(open_[0])
        assert all(trial.parameters["--lr"] <= 0.01 for trial in ground.trials()[1:])

    def test_what_cannot_be_meant_leaves_it_as_it_was(self, ground: Ground) -> None:
        ground.begin()
        before = ground.sweep()
        for asked in (
            SweepChange(max_total_runs=1),
            SweepChange(max_concurrent_runs=0),
            SweepChange(max_duration_minutes=-1),
        ):
            with pytest.raises(UserErrorException):
                self.change(ground, asked)
        assert ground.sweep() == before

    def test_trials_by_hand_come_next_and_make_room(self, ground: Ground) -> None:
        ground.begin(**GRID, max_total_runs=2, max_concurrent_runs=2)
        ground.write(lambda write: service.give(write, SWEEP, GivenTrials(({"n": 6},)), ground.clock.now()))
        ground.end("HD_1_0")
        assert numbers(ground) == [1, 2, 6]
        assert ground.sweep().spec.max_total_runs == 3
        for run_id in ground.open():
            ground.end(run_id)
        assert ground.status() == "Completed"


def test_outputs_of_the_best_alone_are_kept(ground: Ground) -> None:
    ground.begin(max_total_runs=4, max_concurrent_runs=4, keep_outputs=2)
    for number, value in enumerate((0.5, 0.9, 0.1, 0.7)):
        run_id = f"HD_1_{number}"
        stored = {name: StoredFile("0" * 64, 3) for name in ("outputs/model", "logs/log.txt")}
        ground.write(lambda write: run_files.put(write, run_id, stored, ground.clock.now()))  # noqa: B023  at once
        ground.log(run_id, [value])
        ground.end(run_id)
    kept = {
        number: [file.name for file in ground.read(lambda read: run_files.of_run(read, f"HD_1_{number}", ""))]  # noqa: B023  at once
        for number in range(4)
    }
    both = ["logs/log.txt", "outputs/model"]
    assert kept == {0: both[:1], 1: both, 2: both[:1], 3: both}


class TestKnownBefore:
    def finished(self, ground: Ground) -> None:
        ground.begin(**GRID, max_total_runs=3)
        for number in range(3):
            ground.log(f"HD_1_{number}", [float(number)])
            reason = EndReason.COMPLETED if number else EndReason.EXIT_CODE
            ground.end(f"HD_1_{number}", reason, "" if number else "broken")

    def test_a_sweep_goes_on_from_another_one(self, ground: Ground) -> None:
        self.finished(ground)
        ground.begin("HD_2", **GRID, max_total_runs=9, resume_from=(SWEEP,), resume_child_runs=("HD_1_0",))
        tried: list[int] = []
        while open_ := [trial for trial in ground.trials("HD_2") if trial.state == "open"]:
            tried += [trial.parameters["--n"] for trial in open_]
            for trial in open_:
                ground.end(str(trial.run_id))
        assert tried == [1, 4, 5, 6]  # the failed one first, and none of those that were tried
        known = [(trial.number, trial.run_id) for trial in ground.trials("HD_2") if trial.source == "adopted"]
        assert sorted(known) == [(-2, "HD_1_2"), (-1, "HD_1_1")]
        view = ground.read(lambda read: views.view(read, "HD_2"))
        assert (view.counts, view.adopted) == ({"Completed": 4}, 2)
        best = view.best
        assert best is not None and best.run_id == "HD_1_2"

    def test_runs_are_taken_in(self, ground: Ground) -> None:
        self.finished(ground)
        ground.begin("HD_2", **GRID, max_total_runs=1)
        taken = ground.write(lambda write: service.adopt(write, "HD_2", AdoptedRuns(("HD_1_2",))))
        assert [(trial.number, trial.parameters, trial.value) for trial in taken] == [(-1, {"--n": 3}, 2.0)]
        with pytest.raises(UserErrorException, match="goes on"):
            ground.write(lambda write: service.adopt(write, "HD_2", AdoptedRuns(("HD_2_0",))))

    def test_failed_ones_are_tried_again(self, ground: Ground) -> None:
        ground.begin(**GRID, max_total_runs=3, fail_fast=False)
        ground.end("HD_1_0", EndReason.EXIT_CODE, "broken")
        again = ground.write(lambda write: service.rerun_failed(write, SWEEP, ground.clock.now()))
        assert [(trial.number, trial.tries) for trial in again] == [(0, 1)]
        ground.end("HD_1_1")
        assert "HD_1_0_again1" in ground.open()


class TestRanking:
    def test_who_does_not_fulfil_a_condition_is_not_the_best(self, ground: Ground) -> None:
        ground.begin(max_total_runs=2, metric_constraints=("latency <= 10",))
        for number, latency in ((0, 5.0), (1, 50.0)):
            run_id = f"HD_1_{number}"
            ground.log(run_id, [float(number)])
            ground.log(run_id, [latency], "latency")
            ground.end(run_id)
        ranked = ground.read(lambda read: views.trials(read, SWEEP, 0, 10, best_first=True))
        assert [(trial.number, trial.allowed) for trial in ranked] == [(0, True), (1, False)]

    def test_repeats_are_ranked_by_their_mean(self, ground: Ground) -> None:
        ground.begin(**GRID, repeats=2, max_total_runs=4, max_concurrent_runs=4)
        for number, value in enumerate((0.9, 0.1, 0.6, 0.5)):
            ground.log(f"HD_1_{number}", [value])
            ground.end(f"HD_1_{number}")
        ranked = ground.read(lambda read: views.trials(read, SWEEP, 0, 10, best_first=True))
        assert [(trial.number, trial.mean) for trial in ranked] == [(2, 0.55), (3, 0.55), (0, 0.5), (1, 0.5)]


def test_a_deleted_sweep_leaves_no_row(ground: Ground) -> None:
    from faena.tidying.store import purge

    ground.begin(max_total_runs=2, policy=Policy("median"))
    for run_id in ("HD_1_0", "HD_1_1"):
        ground.log(run_id, [0.5])
        ground.end(run_id)
    ground.write(lambda write: purge.forget_runs(write, ["HD_1_0", "HD_1_1"]))
    ground.write(lambda write: purge.forget_runs(write, [SWEEP]))
    assert ground.read(lambda read: store.get(read, SWEEP)) is None
