"""Sweeps in v1's words, as the tutorials of 2019 to 2021 wrote them, with light scripts that really run."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import UserErrorException
from azureml.train import hyperdrive
from azureml.train.dnn import Chainer, PyTorch, TensorFlow
from azureml.train.hyperdrive import HyperDriveRun, MedianStoppingPolicy

SCRIPT = """
    import argparse, os
    from azureml.core.run import Run
    parser = argparse.ArgumentParser()
    parser.add_argument("--batchsize", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning_rate", type=float, default=0.5)
    parser.add_argument("--kernel", default="linear")
    parser.add_argument("--output_dir", default="./outputs")
    args = parser.parse_args()
    run = Run.get_context()
    run.log("Kernel type", str(args.kernel))
    for epoch in range(args.epochs):
        run.log("Accuracy", 1 - args.learning_rate / args.batchsize + epoch / 1000)
    run.log("Loss", args.learning_rate)
    os.makedirs(args.output_dir, exist_ok=True)
    with open(os.path.join(args.output_dir, "model.npz"), "w") as file:
        file.write(str(args.batchsize))
"""


@pytest.fixture
def ws(lasting_ws: Workspace) -> Workspace:
    return lasting_ws


@pytest.fixture
def compute_target(ws: Workspace) -> ComputeTarget:
    try:
        return ComputeTarget(workspace=ws, name="gpu-cluster")
    except ComputeTargetException:
        shape = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", max_nodes=2)
        found = ComputeTarget.create(ws, "gpu-cluster", shape)
        found.wait_for_completion(show_output=True)
        return found


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(textwrap.dedent(SCRIPT))
    return folder


@pytest.mark.long
def test_the_chainer_tutorial(
    ws: Workspace, compute_target: ComputeTarget, project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from azureml.train.hyperdrive.parameter_expressions import choice
    from azureml.train.hyperdrive.policy import BanditPolicy
    from azureml.train.hyperdrive.run import PrimaryMetricGoal
    from azureml.train.hyperdrive.runconfig import HyperDriveConfig
    from azureml.train.hyperdrive.sampling import RandomParameterSampling

    estimator = Chainer(
        source_directory=project_folder,
        script_params={"--epochs": 10, "--batchsize": 128, "--output_dir": "./outputs"},
        compute_target=compute_target,
        entry_script="train.py",
        use_gpu=True,
        user_managed=True,
    )
    param_sampling = RandomParameterSampling({"--batchsize": choice(128, 256), "--epochs": choice(2, 3, 4)})
    hyperdrive_config = HyperDriveConfig(
        estimator=estimator,
        hyperparameter_sampling=param_sampling,
        primary_metric_name="Accuracy",
        policy=BanditPolicy(evaluation_interval=1, slack_factor=0.1, delay_evaluation=3),
        primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=4,
        max_concurrent_runs=2,
    )
    with pytest.warns(UserWarning, match="--epochs, --batchsize are chosen by the sweep"):
        hyperdrive_run: Any = Experiment(ws, "chainer-mnist").submit(hyperdrive_config)
    details = hyperdrive_run.wait_for_completion(show_output=True)
    out = capsys.readouterr().out
    assert details["status"] == "Completed"
    assert f"RunId: {hyperdrive_run.id}\n" in out
    assert "Streaming azureml-logs/hyperdrive.txt\n=====================================\n" in out
    assert "Execution Summary\n=================\n" in out
    told = [line for line in out.splitlines() if line.startswith("<START>[")]
    assert all(
        re.fullmatch(r"<START>\[\d{4}-\d\d-\d\dT[\d:.]+Z?\]\[[A-Z]+\]\[[A-Z]+\].*<END>", line)
        for line in told
    )
    texts = [line[line.index("]") + 1 : -len("<END>")] for line in told]
    first = hyperdrive_run.id + "_0"
    assert texts[:5] == [
        "[API][INFO]Experiment created",
        "[GENERATOR][INFO]Trying to sample '2' jobs from the hyperparameter space",
        "[GENERATOR][INFO]Successfully sampled '2' jobs, they will soon be submitted to the execution target.",
        "[SCHEDULER][INFO]The execution environment is being prepared. Please be patient as it can take a few minutes.",
        f"[SCHEDULER][INFO]Scheduling job, id='{first}'",
    ]
    assert len([text for text in texts if "Scheduling job" in text]) == 4

    best_run = hyperdrive_run.get_best_run_by_primary_metric()
    arguments = best_run.get_details()["runDefinition"]["arguments"]
    assert arguments[:2] == ["--output_dir", "./outputs"]
    assert best_run.get_details()["runDefinition"]["Arguments"] == arguments, "as the service said in 2018"
    assert sorted(arguments[2::2]) == ["--batchsize", "--epochs"]
    assert best_run.get_hyperparameters() == json.loads(hyperdrive_run.get_hyperparameters()[best_run.id])
    assert "outputs/model.npz" in best_run.get_file_names()
    model = best_run.register_model(model_name="chainer-dnn-mnist", model_path="outputs/model.npz")
    assert (model.name, model.version, model.run_id) == ("chainer-dnn-mnist", 1, best_run.id)


@pytest.mark.long
def test_the_scikit_learn_tutorial(
    ws: Workspace, compute_target: ComputeTarget, project_folder: Path
) -> None:
    from azureml.train.hyperdrive import HyperDriveConfig, PrimaryMetricGoal, RandomParameterSampling, choice

    env = Environment("user-managed-env")
    env.python.user_managed_dependencies = True
    src = ScriptRunConfig(
        source_directory=project_folder,
        script="train.py",
        arguments=["--kernel", "linear"],
        compute_target=compute_target,
        environment=env,
    )
    hyperdrive_config = HyperDriveConfig(
        run_config=src,
        hyperparameter_sampling=RandomParameterSampling(
            {"--kernel": choice("rbf", "poly"), "--batchsize": choice(1, 2)}
        ),
        primary_metric_name="Accuracy",
        primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=12,
        max_concurrent_runs=4,
    )
    with pytest.warns(UserWarning, match="--kernel"):
        hyperdrive_run: Any = Experiment(ws, "train_iris").submit(hyperdrive_config)
    hyperdrive_run.wait_for_completion()
    assert hyperdrive_run.get_status() == "Completed"
    children = hyperdrive_run.get_children_sorted_by_primary_metric()
    assert len(children) == 4, "the space has no more"
    assert [list(child) for child in children] == [
        ["run_id", "hyperparameters", "best_primary_metric", "status"]
    ] * 4
    best = [child["best_primary_metric"] for child in children]
    assert best == sorted(best, reverse=True)
    assert best[0] == pytest.approx(1 - 0.5 / 2 + 0.001)
    assert {child["hyperparameters"] for child in children} <= {
        f'{{"--kernel": "{kernel}", "--batchsize": {size}}}' for kernel in ("rbf", "poly") for size in (1, 2)
    }
    reverse = hyperdrive_run.get_children_sorted_by_primary_metric(top=1, reverse=True)
    assert [child["best_primary_metric"] for child in reverse] == best[-1:]
    best_run = hyperdrive_run.get_best_run_by_primary_metric()
    assert best_run.get_details()["runDefinition"]["arguments"][::2] == ["--kernel", "--batchsize"]
    metrics = hyperdrive_run.get_metrics()
    assert metrics.keys() == {child.id for child in hyperdrive_run.get_children()}
    assert metrics[best_run.id]["Kernel type"] in ("rbf", "poly")


@pytest.mark.long
def test_the_tensorflow_and_keras_tutorials(
    ws: Workspace, compute_target: ComputeTarget, project_folder: Path
) -> None:
    from azureml.train.hyperdrive import (
        BanditPolicy,
        HyperDriveConfig,
        PrimaryMetricGoal,
        RandomParameterSampling,
        choice,
        loguniform,
    )

    ps = RandomParameterSampling({"--batchsize": choice(25, 50, 100), "--learning_rate": loguniform(-6, -1)})
    est = TensorFlow(
        source_directory=str(project_folder),
        script_params={"--epochs": 1},
        compute_target=compute_target,
        entry_script="train.py",
        use_gpu=True,
        user_managed=True,
    )
    htc = HyperDriveConfig(
        estimator=est,
        hyperparameter_sampling=ps,
        policy=BanditPolicy(evaluation_interval=2, slack_factor=0.1),
        primary_metric_name="Loss",
        primary_metric_goal=PrimaryMetricGoal.MINIMIZE,
        max_total_runs=3,
        max_concurrent_runs=2,
    )
    htr: Any = Experiment(ws, "keras-mnist").submit(config=htc)
    htr.wait_for_completion(show_output=False)
    best_run = htr.get_best_run_by_primary_metric()
    losses = [metrics["Loss"] for metrics in htr.get_metrics().values()]
    assert best_run.get_metrics()["Loss"] == min(losses)
    parameter_values = best_run.get_details()["runDefinition"]["arguments"]
    assert parameter_values[:2] == ["--epochs", "1"]
    assert float(parameter_values[5]) == json.loads(htr.get_hyperparameters()[best_run.id])["--learning_rate"]


@pytest.mark.long
def test_the_pytorch_tutorial_of_2018(
    ws: Workspace, compute_target: ComputeTarget, project_folder: Path
) -> None:
    from azureml.train.hyperdrive import (
        BanditPolicy,
        HyperDriveRunConfig,
        PrimaryMetricGoal,
        RandomParameterSampling,
        uniform,
    )

    estimator = PyTorch(
        source_directory=project_folder,
        compute_target=compute_target,
        entry_script="train.py",
        user_managed=True,
    )
    with pytest.warns(DeprecationWarning):
        hyperdrive_run_config = HyperDriveRunConfig(
            estimator=estimator,
            hyperparameter_sampling=RandomParameterSampling({"learning_rate": uniform(0.0005, 0.005)}),
            policy=BanditPolicy(slack_factor=0.15, evaluation_interval=1, delay_evaluation=10),
            primary_metric_name="Accuracy",
            primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
            max_total_runs=2,
            max_concurrent_runs=2,
        )
    hyperdrive_run: Any = Experiment(ws, "pytorch-hymenoptera").submit(hyperdrive_run_config)
    hyperdrive_run.wait_for_completion(show_output=True)
    assert hyperdrive_run.get_status() == "Completed"
    best_run = hyperdrive_run.get_best_run_by_primary_metric()
    assert list(best_run.get_hyperparameters()) == ["learning_rate"]
    assert best_run.get_details()["runDefinition"]["arguments"][0] == "--learning_rate"
    assert best_run.get_metrics()["Accuracy"][-1] > 0.99


@pytest.fixture(scope="module")
def sweep(lasting_ws: Workspace, tmp_path_factory: pytest.TempPathFactory) -> HyperDriveRun:
    """One that has ended."""
    folder = tmp_path_factory.mktemp("handle")
    (folder / "train.py").write_text(textwrap.dedent(SCRIPT))
    env = Environment("user-managed-env")
    env.python.user_managed_dependencies = True
    config = hyperdrive.HyperDriveConfig(
        hyperdrive.GridParameterSampling({"--batchsize": hyperdrive.choice(1, 2)}),
        "Accuracy",
        hyperdrive.PrimaryMetricGoal.MAXIMIZE,
        2,
        policy=MedianStoppingPolicy(delay_evaluation=5),
        run_config=ScriptRunConfig(folder, "train.py", environment=env),
    )
    sweep = Experiment(lasting_ws, "handle").submit(config, tags={"by": "me"}, show_output=True)
    sweep.wait_for_completion()
    assert isinstance(sweep, HyperDriveRun)
    return sweep


def test_it_is_found_again(ws: Workspace, sweep: HyperDriveRun) -> None:
    experiment = Experiment(ws, "handle")
    best = HyperDriveRun(experiment, sweep.id).get_best_run_by_primary_metric()
    assert best is not None and best.id == f"{sweep.id}_1"
    assert type(Run.get(ws, sweep.id)) is HyperDriveRun
    assert [run.id for run in experiment.get_runs(type="hyperdrive")] == [sweep.id]
    with pytest.raises(UserErrorException, match="no sweep"):
        HyperDriveRun(experiment, f"{sweep.id}_0")
    parent = next(iter(sweep.get_children())).parent
    assert type(parent) is HyperDriveRun
    assert str(sweep) == f"Run(Experiment: handle,\nId: {sweep.id},\nType: hyperdrive,\nStatus: Completed)"


def test_its_tags_have_the_parameters_of_its_trials(sweep: HyperDriveRun) -> None:
    wanted = {f"{sweep.id}_0": '{"--batchsize": 1}', f"{sweep.id}_1": '{"--batchsize": 2}'}
    assert sweep.get_hyperparameters() == wanted
    assert sweep.get_tags() == sweep.tags == sweep.get_details()["tags"] == {"by": "me", **wanted}
    properties = sweep.get_properties()
    assert properties["primary_metric_config"] == '{"name": "Accuracy", "goal": "maximize"}'
    assert properties["best_child_run_id"] == f"{sweep.id}_1"
    assert float(properties["score"]) == pytest.approx(0.751)


def test_what_is_found_is_logged_to_the_sweep_itself(ws: Workspace, sweep: HyperDriveRun) -> None:
    best = sweep.get_best_run_by_primary_metric()
    assert best is not None
    sweep.log("Best accuracy", best.get_metrics()["Accuracy"][-1])
    sweep.log("Chosen", best.id)
    again = HyperDriveRun(Experiment(ws, "handle"), sweep.id)
    assert Run.get_metrics(again) == {"Best accuracy": pytest.approx(0.751), "Chosen": best.id}
    assert again.get_metrics().keys() == again.get_hyperparameters().keys()


def test_what_v1_does_not_have_raises(sweep: HyperDriveRun) -> None:
    with pytest.raises(NotImplementedError):
        sweep.fail()
    with pytest.raises(NotImplementedError):
        sweep.get_diagnostics()
    assert sweep.get_status() == "Completed"


def test_its_configuration_is_read_back(ws: Workspace, sweep: HyperDriveRun) -> None:
    config = HyperDriveRun(Experiment(ws, "handle"), sweep.id).hyperdrive_config
    assert isinstance(config, hyperdrive.HyperDriveConfig)
    assert isinstance(config.policy, MedianStoppingPolicy)
    assert config.policy.delay_evaluation == 5
    assert isinstance(config.hyperparameter_sampling, hyperdrive.GridParameterSampling)
    assert config.hyperparameter_sampling.parameter_space == {"--batchsize": ["choice", [[1, 2]]]}
    assert config.primary_metric_goal is hyperdrive.PrimaryMetricGoal.MAXIMIZE
    given: Any = object()
    assert HyperDriveRun(Experiment(ws, "handle"), sweep.id, given).hyperdrive_config is given


def test_a_run_that_is_no_trial_has_no_hyperparameters(sweep: HyperDriveRun, ws: Workspace) -> None:
    with Experiment(ws, "handle").start_logging(outputs=None, snapshot_directory=None) as run:
        assert Run(run.experiment, run.id).get_hyperparameters() == {}
    assert Run.get(ws, f"{sweep.id}_1").get_hyperparameters() == {"--batchsize": 2}


def test_one_goes_on_from_an_earlier_one(
    ws: Workspace, compute_target: ComputeTarget, project_folder: Path, sweep: HyperDriveRun
) -> None:
    experiment = Experiment(ws, "handle")
    env = Environment("user-managed-env")
    env.python.user_managed_dependencies = True
    warmstart_parent = HyperDriveRun(experiment, sweep.id)
    config = hyperdrive.HyperDriveConfig(
        run_config=ScriptRunConfig(
            project_folder, "train.py", compute_target=compute_target, environment=env
        ),
        hyperparameter_sampling=hyperdrive.GridParameterSampling({"--batchsize": hyperdrive.choice(1, 2)}),
        resume_from=[warmstart_parent],
        resume_child_runs=[Run(experiment, f"{sweep.id}_0")],
        primary_metric_name="Accuracy",
        primary_metric_goal=hyperdrive.PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=4,
    )
    assert config.resume_from == [warmstart_parent]
    resumed: Any = experiment.submit(config)
    resumed.wait_for_completion()
    child = f"{resumed.id}_0"
    assert resumed.get_hyperparameters() == {child: '{"--batchsize": 1}'}, "all else was tried before"
    assert [row["run_id"] for row in resumed.get_children_sorted_by_primary_metric()] == [child]
    assert resumed.get_metrics().keys() == {child}
    assert resumed.get_best_run_by_primary_metric().id == f"{sweep.id}_1"
    assert resumed.get_best_run_by_primary_metric(include_resume_from_runs=False).id == child
    assert resumed.hyperdrive_config.resume_from == [sweep.id]
    assert Run.get(ws, child).get_hyperparameters() == {"--batchsize": 1}
