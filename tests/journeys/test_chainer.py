"""The main job: the project's own Chainer script on the true MNIST data. Needs the package registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest

from faena import Chainer, Cluster, Experiment, InferenceConfig, Model, Workspace
from faena.compute.cores import machine_cores
from faena.compute.gpus import gpu_ids
from faena.kernel import settings
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


@pytest.mark.long
@pytest.mark.skipif(bool(gpu_ids()), reason="there is a GPU here")
def test_the_script_for_a_gpu_trains_on_the_cpu_and_the_run_says_so(
    workspace: Workspace, cluster: Cluster
) -> None:
    run = Experiment(workspace, "mnist").submit(chainer(cluster))
    details = run.wait_for_completion()
    answered = "answered:mnist-files:yann.lecun.com"
    assert [warning["source"] for warning in details["warnings"]] == [answered, "gpu_on_cpu", "no_gpu"]
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
    run.register_model("chainer-dnn-mnist", "outputs/model.npz")
    answers_alike_in_every_form(workspace)


def answers_alike_in_every_form(workspace: Workspace) -> None:
    """The model that was registered, asked for the digits of true test images, one and many at a time."""
    config = InferenceConfig("chainer_score.py", source_directory=EXAMPLE)
    service = Model.deploy(workspace, "mnist", [Model(workspace, "chainer-dnn-mnist")], config)
    service.wait_for_deployment()
    with np.load(settings.home() / "datasets/pfnet/chainer/mnist/test.npz") as mnist:
        images, digits = mnist["x"][:1000].reshape(-1, 784).astype(np.float32) / 255, mnist["y"][:1000]
    found = service.run({"data": images.tolist()})
    assert np.mean(np.array(found) == digits) > 0.85
    assert [service.run({"data": [image.tolist()]}) for image in images[:20]] == [
        [each] for each in found[:20]
    ]

    def ask(path: str, body: bytes, **headers: str) -> Any:
        address = (service.scoring_uri or "").replace("/score", path)
        key = {"Authorization": f"Bearer {service.get_keys()[0]}"}
        with urlopen(Request(address, body, key | headers), timeout=60) as answer:
            return json.load(answer)

    as_json = {"Content-Type": "application/json"}
    rows = {"inputs": images.tolist()}
    assert ask("/invocations", json.dumps(rows).encode(), **as_json)["predictions"] == found
    tensor = {"name": "data", "shape": [1000, 784], "datatype": "FP32"}
    body = {"inputs": [{**tensor, "data": images.ravel().tolist()}]}
    assert ask("/v2/models/mnist/infer", json.dumps(body).encode(), **as_json)["outputs"][0]["data"] == found
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": images.nbytes}}]}).encode()
    binary = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    assert ask("/v2/models/mnist/infer", head + images.tobytes(), **binary)["outputs"][0]["data"] == found
    service.delete()
    config = InferenceConfig.of_kind("chainer", link="chainer_mnist:MLP")
    service = Model.deploy(workspace, "no-script", [Model(workspace, "chainer-dnn-mnist")], config)
    service.wait_for_deployment()
    scores = ask("/invocations", json.dumps(rows).encode(), **as_json)["predictions"]
    assert np.argmax(scores, axis=1).tolist() == found
    service.delete()


@pytest.mark.skipif(bool(gpu_ids()), reason="there is a GPU here")
def test_who_demands_a_gpu_is_refused_at_submit_and_there_is_no_run(
    workspace: Workspace, cluster: Cluster
) -> None:
    with pytest.raises(ExperimentExecutionException, match="gpu='require'"):
        Experiment(workspace, "mnist").submit(chainer(cluster, gpu="require"))
    assert workspace.api.runs() == []


@pytest.mark.long
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
