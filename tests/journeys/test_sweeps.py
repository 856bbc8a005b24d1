"""Sweeps from the description to the best model, with trials that really run."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

from faena import (
    Asking,
    BanditPolicy,
    Experiment,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRun,
    PopulationBasedTraining,
    PrimaryMetricGoal,
    RandomParameterSampling,
    Workspace,
    choice,
    loguniform,
)
from faena.kernel.errors import Conflict, UserErrorException
from faena.testing.kills import processes
from faena.testing.shutdown import shut_down
from faena.testing.waiting import until
from faena.tidying.schemas import DeletionRequest
from tests.journeys.scripts import Project

SCRIPT = """
    import argparse
    from faena import Run
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--units", type=int, default=1)
    asked = parser.parse_args()
    run = Run.get_context()
    for epoch in range(3):
        run.log("Accuracy", asked.units + epoch / 10 - asked.lr)
    with open("outputs/model.txt", "w") as file:
        file.write(str(asked.units))
"""
ASKS = """
    from faena import Asking, GridParameterSampling, Run, choice
    run = Run.get_context()
    asking = Asking(GridParameterSampling({"--units": choice(1, 2, 3)}))
    while (parameters := asking.ask()) is not None:
        with run.child_run(name=f"units {parameters['--units']}") as trial:
            value = -(parameters["--units"] - 2) ** 2
            trial.log("Accuracy", value)
        asking.tell(parameters, value)
    run.log("best units", asking.best().parameters["--units"])
"""
WAITS = """
    import argparse, os, time
    from faena import Run
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int)
    asked = parser.parse_args()
    run = Run.get_context()
    run.log("Accuracy", asked.units)
    while not os.path.exists({go!r}):
        time.sleep(0.02)
"""
TRAINS = """
    import argparse, json, os
    from faena import Run
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float)
    parser.add_argument("--state")
    asked = parser.parse_args()
    run = Run.get_context()
    assert os.path.isdir(asked.state)
    place = os.path.join(asked.state, "weights", "state.json")
    loss, history = 100.0, []
    if os.path.exists(place):
        with open(place) as file:
            loss, history = json.load(file)
    for step in range(10):
        loss = loss * (1 - asked.lr) ** 2 + asked.lr ** 2 / 2
    run.log("Loss", loss)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w") as file:
        json.dump([loss, history + [run.id]], file)
"""
ENDED = 150.0


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    return Project(workspace, tmp_path / "source")


def sweep_of(
    project: Project, space: Mapping[str, Any] | None = None, script: str = SCRIPT, **settings: Any
) -> HyperDriveRun:
    """Begin one over `space`, at random unless told."""
    sampling = settings.pop("sampling", None) or RandomParameterSampling(
        space or {"--lr": loguniform(-4, -1), "--units": choice(1, 10, 20)}, seed=1
    )
    settings = {"max_total_runs": 4, "max_concurrent_runs": 2, **settings}
    config = HyperDriveConfig(
        sampling, "Accuracy", PrimaryMetricGoal.MAXIMIZE, estimator=project.estimator(script), **settings
    )
    sweep = Experiment(project.workspace, "tune").submit(config)
    assert isinstance(sweep, HyperDriveRun)
    return sweep


def ended(sweep: HyperDriveRun) -> str:
    return until(
        lambda: sweep.get_status() if sweep.refresh().ended_at else "", "the sweep has ended", seconds=ENDED
    )


@pytest.mark.long
def test_a_population_goes_on_from_its_best_checkpoints(project: Project, tmp_path: Path) -> None:
    sampling = PopulationBasedTraining(
        {"--lr": choice(0.001, 0.01, 0.1)}, population=2, checkpoint_argument="--state", seed=4
    )
    config = HyperDriveConfig(
        sampling,
        "Loss",
        PrimaryMetricGoal.MINIMIZE,
        max_total_runs=6,
        max_concurrent_runs=2,
        estimator=project.estimator(TRAINS),
    )
    sweep = Experiment(project.workspace, "tune").submit(config)
    assert isinstance(sweep, HyperDriveRun)
    assert ended(sweep) == "Completed"
    trials = list(sweep.trials())
    assert len(trials) == 6
    worst = max(trials[:2], key=lambda trial: trial.value or 0).number
    assert {trial.number: trial.checkpoint for trial in trials[2:4]} == {2: 1 - worst, 3: 1 - worst}
    runs = {run.id: run for run in sweep.get_children()}
    for trial in trials:
        run, chain = runs[str(trial.run_id)], [trial]
        while (before := chain[0].checkpoint) is not None:
            chain.insert(0, trials[before])
        run.download_file("outputs/checkpoint/weights/state.json", str(tmp_path / run.id))
        loss, history = json.loads((tmp_path / run.id).read_text())
        assert history == [each.run_id for each in chain], "each was trained by those before it"
        assert loss == trial.value
    best = sweep.get_best_run_by_primary_metric()
    assert best is not None
    origin = next(trial.checkpoint for trial in trials if trial.run_id == best.id)
    assert origin is not None
    assert best.get_details()["runDefinition"]["checkpoint"]["run"] == trials[origin].run_id


def test_the_best_of_its_trials_is_found_and_registered(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = sweep_of(project)
    details = sweep.wait_for_completion(show_output=True)
    assert details["status"] == "Completed"
    last = capsys.readouterr().out.splitlines()[-1]
    top = sweep.sweep.best
    assert top is not None
    assert last.startswith(f"Best trial: {top.run_id}, Accuracy {top.value!r} (--")
    ordered = sweep.get_children_sorted_by_primary_metric()
    values = [row["best_primary_metric"] for row in ordered]
    assert len(ordered) == 4
    assert values == sorted(values, reverse=True)
    assert [row["run_id"] for row in sweep.get_children_sorted_by_primary_metric(top=2)] == [
        row["run_id"] for row in ordered[:2]
    ]
    best = sweep.get_best_run_by_primary_metric()
    assert best is not None
    assert best.id == ordered[0]["run_id"]
    asked = json.loads(sweep.get_hyperparameters()[best.id])
    assert best.get_metrics()["Accuracy"][-1] == pytest.approx(asked["--units"] + 0.2 - asked["--lr"])
    assert values[0] == best.get_metrics()["Accuracy"][-1]
    assert best.parent is not None and best.parent.id == sweep.id
    model = best.register_model("tuned", "outputs/model.txt")
    assert model.run_id == best.id
    assert {child.id for child in sweep.get_children()} == {f"{sweep.id}_{number}" for number in range(4)}
    again = project.workspace.get_run(sweep.id)
    assert isinstance(again, HyperDriveRun)
    assert again.get_metrics().keys() == sweep.get_hyperparameters().keys()
    table = again.trials_frame()
    assert dict(zip(table["run_id"], table["metrics.Accuracy"], strict=True)) == dict(
        zip([row["run_id"] for row in ordered], values, strict=True)
    )
    assert table["parameters.units"].tolist() == [
        json.loads(each)["--units"] for each in again.get_hyperparameters().values()
    ]
    assert list(again.plot_history().data[0].y) == table["metrics.Accuracy"].tolist()
    assert [each.run_id for each in again.pareto_front()] == [best.id]
    exported = again.export_study(tmp_path / "study.journal")
    assert (exported.trials, exported.left_out) == (4, 0)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(exported.path)))
    study = optuna.load_study(study_name=sweep.id, storage=storage)
    assert study.best_trial.user_attrs["trial"] == int(best.id.rpartition("_")[2])
    assert study.best_trial.params == {"--lr": asked["--lr"], "--units": asked["--units"]}
    assert list(study.best_trial.intermediate_values) == [1, 2, 3]
    assert study.best_trial.intermediate_values[3] == study.best_value == values[0]
    with pytest.raises(UserErrorException, match="there already"):
        again.export_study(exported.path)
    with pytest.raises(UserErrorException, match="policy is 'bandit'"):
        again.dry_policy("bandit")  # type: ignore[arg-type]  # what is refused


@pytest.mark.long
def test_a_grid_is_tried_once_and_then_is_at_its_end(project: Project) -> None:
    space = {"--lr": choice(0.1, 0.2), "--units": choice(1, 2)}
    sweep = sweep_of(project, sampling=GridParameterSampling(space), max_total_runs=10)
    assert ended(sweep) == "Completed"
    tried = Counter(tuple(json.loads(each).values()) for each in sweep.get_hyperparameters().values())
    assert tried == Counter([(0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2)])
    assert sweep.sweep.exhausted


@pytest.mark.long
def test_who_falls_behind_is_stopped_and_says_by_which_values(project: Project, tmp_path: Path) -> None:
    go = tmp_path / "go"
    sweep = sweep_of(
        project,
        script=WAITS.format(go=str(go)),
        sampling=GridParameterSampling({"--units": choice(100, 1)}),
        policy=BanditPolicy(slack_factor=0.5),
    )
    stopped = until(
        lambda: [trial for trial in sweep.trials() if trial.status == "Canceled"],
        "one was stopped",
        seconds=ENDED,
    )
    assert [trial.parameters for trial in stopped] == [{"--units": 1}]
    assert stopped[0].stopped == "stopped at interval 1: 1 against 100 / 1.5"
    go.touch()
    assert ended(sweep) == "Completed"
    run = project.workspace.get_run(str(stopped[0].run_id))
    notes = {warning["source"]: warning["message"] for warning in run.get_details()["warnings"]}
    assert notes["policy"] == "Stopped at interval 1: 1 against 100 / 1.5."
    best = sweep.get_best_run_by_primary_metric()
    assert best is not None and best.id == f"{sweep.id}_0"
    assert sweep.get_best_run_by_primary_metric(include_canceled=False) is not None
    own = sweep.dry_policy(BanditPolicy(slack_factor=0.5))
    assert [(stop.number, stop.decision.text) for stop in own.stops] == [(1, stopped[0].stopped)]
    assert own.text.startswith("It would have stopped 1 of 2 trials and saved at least 0 of 2 intervals, ")
    assert own.text.endswith("; the best, 100, would have been kept.")
    assert own.seconds > own.seconds_saved > 0
    assert sweep.dry_policy(BanditPolicy(slack_amount=99)).stops == ()


def test_a_canceled_sweep_stops_its_trials_and_issues_none(project: Project, tmp_path: Path) -> None:
    sweep = sweep_of(project, {"--units": choice(range(1, 9))}, WAITS.format(go=str(tmp_path / "never")))
    until(lambda: sweep.sweep.counts.get("Running") == 2, "two trials run", seconds=ENDED)
    sweep.cancel()
    assert ended(sweep) == "Canceled"
    assert sweep.sweep.counts == {"Canceled": 2}


@pytest.mark.long
def test_one_that_goes_on_is_paused_extended_and_given_trials(project: Project, tmp_path: Path) -> None:
    go = tmp_path / "go"
    sweep = sweep_of(
        project,
        {"--units": choice(range(1, 9))},
        WAITS.format(go=str(go)),
        max_total_runs=2,
        max_concurrent_runs=1,
    )
    until(lambda: sweep.sweep.counts.get("Running"), "a trial runs", seconds=ENDED)
    first = next(iter(sweep.trials())).parameters["--units"]
    assert sweep.pause().state == "paused"
    other = 8 if first != 8 else 7
    [given] = sweep.enqueue({"--units": other})
    assert (given.number, given.status) == (1, "Waiting")
    with pytest.raises(UserErrorException, match="--units"):
        sweep.enqueue({"--units": 99})
    assert sweep.extend(max_total_runs=3).spec.max_total_runs == 3
    go.touch()
    until(lambda: sweep.sweep.counts.get("Completed") == 1, "the first has ended", seconds=ENDED)
    assert sweep.sweep.counts == {"Completed": 1, "Waiting": 1}
    sweep.resume()
    assert ended(sweep) == "Completed"
    tried = [trial.parameters["--units"] for trial in sweep.trials()]
    assert tried[:2] == [first, other]
    assert len(set(tried)) == 3
    with pytest.raises(Conflict, match="ended"):
        sweep.extend(max_total_runs=9)


def test_a_metric_that_never_comes_is_told_with_those_that_do(project: Project) -> None:
    sweep = sweep_of(project, script=SCRIPT.replace('"Accuracy"', '"accuracy"'), max_total_runs=1)
    assert ended(sweep) == "Completed"
    [note] = [
        each["message"] for each in sweep.get_details()["warnings"] if each["source"] == "primary_metric"
    ]
    assert "never logged the primary metric 'Accuracy'" in note
    assert "Did you mean 'accuracy'?" in note
    assert sweep.get_best_run_by_primary_metric() is None


def test_a_metric_that_is_text_is_told(project: Project) -> None:
    script = SCRIPT.replace("asked.units + epoch / 10 - asked.lr", "str(asked.units)")
    sweep = sweep_of(project, script=script, max_total_runs=1)
    assert ended(sweep) == "Completed"
    notes = {each["source"]: each["message"] for each in sweep.get_details()["warnings"]}
    assert "'Accuracy' as something else than a number" in notes["primary_metric"]
    assert sweep.get_best_run_by_primary_metric() is None
    [row] = sweep.get_children_sorted_by_primary_metric()
    assert row["best_primary_metric"] is None


@pytest.mark.long
def test_a_sweep_whose_first_trials_fail_alike_ends_and_says_why(project: Project) -> None:
    sweep = sweep_of(
        project, {"--units": choice(range(50))}, "raise ValueError('no data')", max_total_runs=50
    )
    assert ended(sweep) == "Failed"
    error = sweep.get_details()["error"]["error"]
    assert error["code"] == "sweep"
    assert "The first 3 trials failed alike" in error["message"] and "ValueError: no data" in error["message"]
    assert sum(sweep.sweep.counts.values()) <= 5


@pytest.mark.long
def test_a_sweep_ends_where_a_trial_is_good_enough_or_none_gets_better(project: Project) -> None:
    grid = GridParameterSampling({"--units": choice(5, 4, 3, 2, 1, 0), "--lr": choice(1.0)})
    target = sweep_of(project, sampling=grid, max_total_runs=6, max_concurrent_runs=1, stop_at=4.0)
    patient = sweep_of(project, sampling=grid, max_total_runs=6, max_concurrent_runs=1, patience=2)
    assert (ended(target), ended(patient)) == ("Completed", "Completed")
    assert target.sweep.told == "It is done: trial 0 reached Accuracy 4.2, and 4 was wanted."
    assert target.sweep.counts == {"Completed": 1}
    assert patient.sweep.told == "It is done: 2 trials in a row brought no better Accuracy than 4.2."
    assert patient.sweep.counts == {"Completed": 3}


@pytest.mark.long
def test_a_script_asks_and_its_trials_are_its_children(project: Project) -> None:
    run = project.run(ASKS)
    assert run.get_status() == "Completed"
    assert run.get_metrics()["best units"] == 2
    trials = {child.display_name: child.get_metrics()["Accuracy"] for child in run.get_children()}
    assert trials == {"units 1": -1, "units 2": 0, "units 3": -1}


@pytest.mark.long
def test_a_notebook_asks_and_submits_its_trials(project: Project) -> None:
    experiment = Experiment(project.workspace, "asks")
    estimator = project.estimator(SCRIPT)
    asking = Asking(RandomParameterSampling({"--lr": loguniform(-4, -1), "--units": choice(1, 10)}, seed=1))
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        asked = [asking.ask() or {} for _ in range(2)]
        trials = [experiment.submit(estimator, script_params=each, parent=run.id) for each in asked]
        for parameters, trial in zip(asked, trials, strict=True):
            trial.wait_for_completion()
            asking.tell(parameters, max(trial.get_metrics()["Accuracy"]))
    best = asking.best()
    assert best is not None
    assert best.value == pytest.approx(best.parameters["--units"] + 0.2 - best.parameters["--lr"])
    assert {child.id for child in run.get_children()} == {trial.id for trial in trials}


@pytest.mark.long
def test_it_is_had_again_and_goes_to_another_workspace_with_its_trials(
    project: Project, tmp_path: Path
) -> None:
    sweep = sweep_of(project, max_total_runs=2)
    assert ended(sweep) == "Completed"
    again = sweep.rerun()
    assert isinstance(again, HyperDriveRun)
    assert ended(again) == "Completed"
    assert [trial.parameters for trial in again.trials()] == [trial.parameters for trial in sweep.trials()]
    sweep.export(tmp_path / "exported", children=True)
    other = Workspace.create("other", tmp_path / "other")
    try:
        other.import_run(tmp_path / "exported")
        taken = other.get_run(sweep.id)
        assert isinstance(taken, HyperDriveRun)
        assert list(taken.trials()) == list(sweep.trials())
        best = taken.get_best_run_by_primary_metric()
        assert best is not None
        assert best.id == sweep.get_children_sorted_by_primary_metric()[0]["run_id"]
    finally:
        shut_down(other)


def test_trials_are_warm_where_the_sweep_asks(project: Project) -> None:
    sweep = sweep_of(project, max_total_runs=1, warm=True)
    assert ended(sweep) == "Completed"
    assert project.workspace.api.records.submission(f"{sweep.id}_0").warm


@pytest.mark.long
def test_a_deleted_trial_is_not_the_best(project: Project) -> None:
    sweep = sweep_of(project, max_total_runs=2)
    assert ended(sweep) == "Completed"
    first, second = (str(row["run_id"]) for row in sweep.get_children_sorted_by_primary_metric())
    project.workspace.api.tidy.delete(DeletionRequest(runs=(first,)))
    best = sweep.get_best_run_by_primary_metric()
    assert best is not None and best.id == second
    assert list(sweep.get_metrics()) == [second]
    assert set(sweep.get_hyperparameters()) == {first, second}, "the ledger remembers"


class TestKilled:
    @pytest.fixture
    def workspace(self, own_workspace: Workspace) -> Workspace:
        """Its own: these kill its server and its nodes."""
        return own_workspace

    @pytest.mark.long
    def test_each_trial_is_issued_once_however_often_the_server_dies(self, project: Project) -> None:
        sweep = sweep_of(project, max_total_runs=8)
        for count in (1, 3, 5):
            until(lambda: sweep.sweep.trials >= count, "some were issued", seconds=ENDED)  # noqa: B023  called at once
            os.kill(processes.server_of(project.workspace.files.path) or 0, signal.SIGKILL)
        assert ended(sweep) == "Completed"
        assert sweep.sweep.counts == {"Completed": 8}
        assert Counter(child.id for child in sweep.get_children()) == Counter(
            f"{sweep.id}_{number}" for number in range(8)
        )
        unbroken = sweep_of(project, max_total_runs=8)
        assert ended(unbroken) == "Completed"
        assert [trial.parameters for trial in unbroken.trials()] == [
            trial.parameters for trial in sweep.trials()
        ]

    @pytest.mark.long
    def test_a_trial_whose_node_is_lost_goes_again(self, project: Project, tmp_path: Path) -> None:
        go = tmp_path / "go"
        sweep = sweep_of(project, {"--units": choice(1, 2)}, WAITS.format(go=str(go)), max_total_runs=1)
        until(lambda: sweep.sweep.counts.get("Running") == 1, "the trial runs", seconds=ENDED)
        lost = project.workspace.get_run(f"{sweep.id}_0")
        script = until(lambda: processes.of_run(lost.id), "its script", seconds=ENDED)[0]
        os.kill(processes.runner_of(script) or 0, signal.SIGKILL)
        until(lambda: lost.get_status() == "Failed", "it was lost", seconds=ENDED)
        go.touch()
        assert ended(sweep) == "Completed"
        [trial] = sweep.trials()
        assert (trial.run_id, trial.tries, trial.status) == (f"{sweep.id}_0_again1", 1, "Completed")
