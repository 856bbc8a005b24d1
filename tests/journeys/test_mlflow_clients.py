"""MLflow's own clients, as their users use them: in runs and outside, with frameworks that log by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Model, Workspace
from tests.journeys import mlflow_scripts as scripts
from tests.journeys.scripts import Project

pytestmark = pytest.mark.campaign
CLIENTS = ("3.17.2", "2.22.5")
WITH = {"2.22.5": "opentelemetry-sdk<1.45"}
"""What a client needs beside it: with later ones 2.x loses its traces, as `faena.environments.bounds` knows."""
Interpreter = Callable[[str, str], Path]
BY_ITSELF = {
    "FLUENT": "",
    "MODEL": "scipy",
    "TRACES": "",
    "SYSTEM": "psutil",
    "SKLEARN": "scikit-learn",
    "XGBOOST": "xgboost scikit-learn",
    "KERAS": "tensorflow-cpu tensorboard scipy",
    "LIGHTNING": "lightning",
}
"""Packages of each script, beside the client and pandas."""


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Of an environment with this client and these packages. Needs the registry."""
    made: dict[tuple[str, str], Path] = {}

    def make(client: str, packages: str) -> Path:
        key = client, packages
        if key not in made:
            folder = tmp_path_factory.mktemp("client")
            uv = str(Path(sys.executable).with_name("uv"))
            subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
            python = folder / "bin" / "python"
            wanted = [f"mlflow-skinny=={client}", WITH.get(client, "pandas"), "pandas", *packages.split()]
            subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *wanted], check=True)
            made[key] = python
        return made[key]

    return make


def outside(workspace: Workspace, python: Path, script: str, folder: Path) -> str:
    """What it printed. The test fails where the script does."""
    found = workspace.api.gateway.open_to_programs()
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": found.url,
        "MLFLOW_TRACKING_TOKEN": found.token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [str(python), "-c", script, "outside"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", BY_ITSELF)
class TestScripts:
    def test_outside_of_runs(
        self, workspace: Workspace, interpreter: Interpreter, client: str, name: str, tmp_path: Path
    ) -> None:
        python = interpreter(client, BY_ITSELF[name])
        said = outside(workspace, python, getattr(scripts, name), tmp_path)
        run = workspace.get_run(said.split("RUN ")[1].split()[0])
        assert run.get_status() == "Completed"
        assert run.get_metrics() or name in ("MODEL", "TRACES")

    def test_in_a_run(self, project: Project, interpreter: Interpreter, client: str, name: str) -> None:
        python = interpreter(client, BY_ITSELF[name])
        options = {"interpreter": str(python), "script_params": {"inside": ""}}
        run = project.run(getattr(scripts, name), experiment=f"{name} {client}", **options)
        assert run.get_status() == "Completed", run.refresh().error
        assert run.get_metrics() or name in ("MODEL", "TRACES")


LOAD = """
import sys, mlflow
for name in ("by path", "of a run"):
    for address in (f"models:/{name}/1", f"models:/{name}@best"):
        assert list(mlflow.pyfunc.load_model(address).predict([[1.0], [9.0]])) == [0, 1], address
    try:
        mlflow.pyfunc.load_model(f"models:/{name}/2")
    except mlflow.exceptions.MlflowException as error:
        assert "is a pickle of a dictionary" in str(error), error
    else:
        raise AssertionError
"""
TRAIN = """
import joblib, os, pickle
from sklearn.linear_model import LogisticRegression
os.makedirs("outputs", exist_ok=True)
model = LogisticRegression().fit([[0.0], [1.0], [8.0], [9.0]], [0, 0, 1, 1])
joblib.dump(model, "outputs/model.joblib")
with open("outputs/dict.pkl", "wb") as file:
    pickle.dump({"model": model}, file)
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_models_that_faena_registered_are_loaded(
    project: Project, interpreter: Interpreter, client: str, tmp_path: Path
) -> None:
    python = interpreter(client, BY_ITSELF["SKLEARN"])
    run = project.run(TRAIN, interpreter=str(python))
    assert run.get_status() == "Completed", run.refresh().error
    for path in ("outputs/model.joblib", "outputs/dict.pkl"):
        of_run = run.register_model(f"of a run {client}", path)
        run.download_file(path, str(tmp_path / Path(path).name))
        by_path = Model.register(project.workspace, str(tmp_path / Path(path).name), f"by path {client}")
        if path.endswith("joblib"):
            of_run.set_alias("best")
            by_path.set_alias("best")
    script = LOAD.replace('"by path", "of a run"', f'"by path {client}", "of a run {client}"')
    outside(project.workspace, python, script, tmp_path)
