"""The examples in v1's words run as they are: `make long` has kernels run all, without them some run each time.

Needs the package registry.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faena import Workspace
from tests.azureml.examples import copy_of, run_cells, run_notebook, run_script, workspace_in
from tests.conftest import shut_down

Run = Callable[..., str]


@pytest.fixture(scope="module")
def lasting_folders(
    lasting_surroundings: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Run, Path]]:
    """Copies of examples/azureml, whose workspaces are stopped afterwards: one reader goes through all notebooks."""
    ways: tuple[Run, ...] = (run_cells, run_notebook)
    made = {
        way: copy_of(tmp_path_factory.mktemp("reader") / "examples", f"ws-{secrets.token_hex(4)}")
        for way in ways
    }
    yield made
    for folder in made.values():
        for place in (folder, folder.parent):  # the v1 names' and that of Faena's own
            if (place / ".faena").exists():
                shut_down(
                    workspace_in(folder)
                    if place == folder
                    else Workspace.create("train-tune-deploy", place, exist_ok=True)
                )


@pytest.fixture(params=[run_cells, pytest.param(run_notebook, marks=pytest.mark.long)])
def run(request: pytest.FixtureRequest) -> Run:
    """Without a kernel and with one, which costs more than what most of them do."""
    found: Run = request.param
    return found


@pytest.fixture
def folder(request: pytest.FixtureRequest, lasting_folders: dict[Run, Path]) -> Path:
    run: Run = request.getfixturevalue("run") if "run" in request.fixturenames else run_notebook
    return lasting_folders[run]


def test_the_main_job_as_a_script(tmp_path: Path, name: str) -> None:
    folder = copy_of(tmp_path / "examples", name)
    out = run_script(folder, "train_and_register.py", "--epochs", "1")
    assert f"{name}\nexamples\nlocal\n00000000-" in out
    assert "Creating the compute target gpu-cluster" in out
    assert "epoch:01 train_loss:" in out
    assert "chainer-dnn-mnist\tchainer-dnn-mnist:1\t1" in out
    assert (folder / "model" / "model.npz").stat().st_size > 300_000
    ws = workspace_in(folder)
    assert ws.folder == folder
    assert ws.models["chainer-dnn-mnist"].version == 1
    shut_down(ws)


@pytest.mark.long
def test_tuning_the_main_job(tmp_path: Path, name: str) -> None:
    folder = copy_of(tmp_path / "examples", name)
    out = run_script(folder, "tune_hyperparameters.py", "--runs", "2", "--epochs", "1")
    assert "Streaming azureml-logs/hyperdrive.txt" in out
    assert out.count('Completed\t{"--batchsize": ') == 2
    assert "'--epochs', '1']" in out
    assert "outputs/model.npz" in out
    assert "chainer-dnn-mnist\tchainer-dnn-mnist:1\t1" in out
    shut_down(workspace_in(folder))


@pytest.mark.long
@pytest.mark.parametrize("place", [".", ".."], ids=["azureml", "faena"])
def test_the_main_job_from_training_to_an_answer_as_a_notebook(folder: Path, place: str) -> None:
    settings = {"epochs": 1, "trials": 1, "epochs_to_try": [1]}
    out = run_notebook(folder / place, "train-tune-deploy.ipynb", **settings)
    assert "AmlCompute wait for completion finished" in out
    assert "epoch:01 train_loss:" in out
    assert "Best trial: HD_" in out
    assert "Healthy" in out or "succeeded" in out.lower()
    assert "label: 7\nprediction: [7]" in out or "label: 7 prediction: [7]" in out


@pytest.mark.long
def test_logging(folder: Path, run: Run) -> None:
    out = run(folder, "logging.ipynb")
    assert "['accuracy', 'confusion', 'cosine', 'curve', 'fibonacci', 'loss']" in out
    assert "[0, 1, 1, 2, 3, 5, 8] 0.93" in out
    assert "Completed\n['curve_" in out
    assert "trained on a laptop" in out
    assert "1 True {'by': 'notebook', 'data': 'none', 'quality': 'great'}" in out


@pytest.mark.long
def test_managing_runs(folder: Path, run: Run) -> None:
    out = run(folder, "manage-runs.ipynb")
    assert "Completed\nFailed the data was not there\nCanceled\n" in out
    assert "7 children, True\n[{'accuracy': 0.8}]\n0.93\n" in out
    assert "['Completed', 'Canceled', 'Failed', 'Completed']\nCompleted\n1\n" in out


def test_training_within_a_notebook(folder: Path, run: Run) -> None:
    out = run(folder, "train-within-notebook.ipynb")
    assert " of 10 runs\n" in out
    assert "ridge-in-notebook 1 True" in out


@pytest.mark.long
def test_training_on_this_machine(folder: Path) -> None:
    out = run_notebook(folder, "train-on-local.ipynb")
    assert "slept 0.0" in out
    assert "alpha is 0.30" in out
    assert "\nlocal\n" in out


@pytest.mark.long
def test_training_on_a_cluster(folder: Path) -> None:
    out = run_notebook(folder, "train-on-cluster.ipynb", alphas="(0.5, 1.0)")
    assert "alpha is 0.50, and mse is" in out
    assert "ridge 1" in out


@pytest.mark.long
def test_environments(folder: Path) -> None:
    out = run_notebook(folder, "environments.ipynb")
    assert "ridge-env 1 ['ridge-env']" in out
    assert "from-file from-conda" in out
    assert "'mse'" in out


@pytest.mark.long
def test_estimators(folder: Path) -> None:
    out = run_notebook(folder, "estimators.ipynb")
    assert "alpha is 0.30" in out
    assert "{'estimator': 'SKLearn'}" in out


@pytest.mark.long
def test_datastores_and_file_datasets(folder: Path, run: Run) -> None:
    out = run(folder, "datastores-and-datasets.ipynb")
    assert "workspaceblobstore AzureBlob" in out
    assert "3 files, " in out
    assert "numbers 1" in out
    assert (folder / "downloaded" / "results" / "count.txt").read_text() == "3"
