"""What a script on another machine logs with MLflow's client is its run's, also where the link is cut for a while."""

from __future__ import annotations

import hashlib
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Estimator, Experiment, Run, Workspace
from faena.testing.waiting import until
from tests.journeys.data import driver_log
from tests.mlflow.links import Link
from tests.node.joined.machines import FarMachine, cluster_of, far_machine

_CUT = 12.0
"""Seconds: longer than what TCP itself bridges."""
POINTS = 300
SCRIPT = """
    import hashlib, os, sys, tempfile, time
    import mlflow

    place = tempfile.mkdtemp()
    def make(name, size):
        path = os.path.join(place, name)
        with open(path, "wb") as file:
            file.write(os.urandom(size))
        return path, hashlib.sha256(open(path, "rb").read()).hexdigest()

    mlflow.set_experiment("whatever")
    mlflow.log_params({"a": 1, "b": "two"})
    print("begins", flush=True)
    for step in range(POINTS):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
        time.sleep(0.01)
    mlflow.log_metrics({"x": 1.0, "y": 2.0}, step=0)
    print("logged", flush=True)
    path, digest = make("large.bin", 100_000_000)
    mlflow.log_artifact(path, "files")
    print("sent", digest, flush=True)
    uri = mlflow.active_run().info.artifact_uri + "/files/large.bin"
    back = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=tempfile.mkdtemp())
    assert hashlib.sha256(open(back, "rb").read()).hexdigest() == digest
    print("had back", flush=True)
    with mlflow.start_run(nested=True, run_name="inner"):
        mlflow.log_metric("inner", 1.0)
        mlflow.log_text("hello", "a.txt")
    if "fit" in sys.argv:
        from sklearn.linear_model import LinearRegression
        mlflow.sklearn.autolog()
        LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    mlflow.end_run("FAILED")
    print("done", flush=True)
"""


@pytest.fixture
def machine(lasting_workspace: Workspace, tmp_path: Path) -> Iterator[FarMachine]:
    with far_machine(cluster_of(lasting_workspace), tmp_path / "far") as found:
        yield found
    lasting_workspace.api.nodes.listen_no_more()


@pytest.fixture
def link(machine: FarMachine) -> Iterator[Link]:
    """The machine has joined over it."""
    made = machine.cluster.join_token()
    link = Link(made.url)
    machine.start(link.url, made.token)
    until(lambda: machine.state == "idle", "the machine has joined")
    yield link
    machine.close()
    link.close()


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore:Not all files are known now")
@pytest.mark.parametrize("version", ["3.17.2", "2.22.5"])
def test_nothing_is_lost(machine: FarMachine, link: Link, tmp_path: Path, version: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text(textwrap.dedent(SCRIPT).replace("POINTS", str(POINTS)))
    estimator = Estimator(
        source,
        entry_script="train.py",
        compute_target=machine.cluster,
        pip_packages=[f"mlflow-skinny=={version}", "scikit-learn", "pandas"],
        script_arguments=["fit"],
    )
    run = Experiment(machine.cluster.workspace, "far").submit(estimator)
    for line in ("begins", "logged", "sent"):  # each time something is under way
        until(lambda: line in driver_log(run) or _is_over(run), f"the script has {line}", seconds=900)  # noqa: B023  called at once
        time.sleep(0.3)
        link.cut()
        time.sleep(_CUT)
        link.heal()
    run.wait_for_completion(raise_on_error=False)
    said = driver_log(run)
    assert run.get_status() == "Completed", said
    assert "done" in said
    metrics = run.get_metrics()
    assert metrics["loss"] == [1 / (step + 1) for step in range(POINTS)]
    assert (metrics["x"], metrics["y"]) == (1.0, 2.0)
    digest = said.partition("sent ")[2].split()[0]
    run.download_file("files/large.bin", tmp_path / "large.bin")
    assert hashlib.sha256((tmp_path / "large.bin").read_bytes()).hexdigest() == digest
    assert [(child.display_name, child.get_metrics()) for child in run.get_children()] == [
        ("inner", {"inner": 1.0})
    ]
    assert "training_mean_squared_error" in metrics


def _is_over(run: Run) -> bool:
    return run.get_status() in ("Completed", "Failed")
