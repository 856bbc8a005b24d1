"""The main job: the project's own Chainer script on the true MNIST data. Needs the package registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Chainer, Cluster, Experiment, Workspace
from faena.compute.cores import machine_cores
from faena.compute.gpus import gpu_ids
from faena.kernel.errors import ActivityFailedException, ExperimentExecutionException

EXAMPLE = Path(__file__).parents[2] / "examples" / "chainer-mnist"


@pytest.fixture
def cluster(workspace: Workspace) -> Cluster:
    return Cluster.create(workspace, "gpu-cluster", max_nodes=2 * machine_cores())


def chainer(cluster: Cluster, **options: object) -> Chainer:
    return Chainer(
        EXAMPLE,
        entry_script="chainer_mnist.py",
        script_params={"--epochs": 1, "--batchsize": 128, "--output_dir": "./outputs"},
        compute_target=cluster,
        pip_packages=["numpy", "pytest"],
        **{"use_gpu": True, **options},  # type: ignore[arg-type]  # the tests name options by keyword
    )


@pytest.mark.skipif(bool(gpu_ids()), reason="there is a GPU here")
def test_the_script_for_a_gpu_trains_on_the_cpu_and_the_run_says_so(
    workspace: Workspace, cluster: Cluster
) -> None:
    run = Experiment(workspace, "mnist").submit(chainer(cluster))
    details = run.wait_for_completion()
    assert [warning["source"] for warning in details["warnings"]] == ["gpu_on_cpu"]
    if (cores := machine_cores()) > 1:
        said = f"{cores} of {cores} cores; OpenBLAS 1, since Chainer's matrices are small"
        assert details["runDefinition"]["threads"] == said
    metrics = run.get_metrics()
    assert (metrics["Batch size"], metrics["Epochs"]) == (128, 1)
    assert metrics["Accuracy"] > 0.9
    assert "outputs/model.npz" in run.get_file_names()
    lock = run.get_lock()
    assert "chainer==5.1.0" in lock["requirements"]
    assert lock["python"].startswith("CPython 3.")
    packages = run.get_environment().python.conda_dependencies
    assert packages is not None
    assert "chainer==5.1.0" in str(packages.as_dict())


@pytest.mark.skipif(bool(gpu_ids()), reason="there is a GPU here")
def test_who_demands_a_gpu_is_refused_at_submit_and_there_is_no_run(
    workspace: Workspace, cluster: Cluster
) -> None:
    with pytest.raises(ExperimentExecutionException, match="gpu='require'"):
        Experiment(workspace, "mnist").submit(chainer(cluster, gpu="require"))
    assert workspace.api.runs() == []


def test_an_environment_that_cannot_be_made_fails_the_run_with_its_cause(
    workspace: Workspace, cluster: Cluster
) -> None:
    estimator = Chainer(
        EXAMPLE, entry_script="chainer_mnist.py", compute_target=cluster, pip_packages=["numpy==1.99.99"]
    )
    run = Experiment(workspace, "mnist").submit(estimator)
    with pytest.raises(ActivityFailedException, match=r"numpy==1\.99\.99"):
        run.wait_for_completion()
    assert run.refresh().error.reason == "environment"  # type: ignore[union-attr]  # a failed run has one
