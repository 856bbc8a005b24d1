"""A notebook as the entry script of a run."""

from __future__ import annotations

import json
import venv
from pathlib import Path
from typing import Any

import pytest

from faena import Estimator, Experiment, Workspace
from faena.client.runs.run import Run
from faena.kernel.errors import UserErrorException
from faena.testing.waiting import until
from tests.journeys.scripts import Project


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def write_notebook(path: Path, *cells: str, parameters: str | None = None) -> None:
    """With the first cell tagged `parameters`, if there are any."""
    found = [_cell(cell) for cell in cells]
    if parameters is not None:
        found.insert(0, {**_cell(parameters), "metadata": {"tags": ["parameters"]}})
    notebook = {"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))


def _cell(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}


def submit(project: Project, script: str = "train.ipynb", **options: Any) -> Run:
    estimator = Estimator(project.folder, entry_script=script, compute_target=project.cluster, **options)
    return Experiment(project.workspace, "notebooks").submit(estimator)


def text_of(run: Run, name: str) -> str:
    with run.experiment.workspace.api.open_file(run.id, name) as parts:
        return b"".join(parts).decode()


@pytest.mark.long
def test_cells_run_with_parameters_and_log_to_the_run(project: Project) -> None:
    (project.folder / "tools").mkdir()
    (project.folder / "tools" / "beside.py").write_text("FACTOR = 2")
    write_notebook(
        project.folder / "tools" / "train.ipynb",
        "from faena import Run\nfrom beside import FACTOR\nrun = Run.get_context()",
        "for epoch in range(epochs):\n    run.log('loss', rate * FACTOR / (epoch + 1))\nprint('trained', name, fast)",
        "open('outputs/model.bin', 'w').write('m')\nrun.child_run('fold').complete()\n1 + 1",
        parameters="epochs = 1\nrate = 0.0\nname = ''\nfast = False",
    )
    run = submit(
        project,
        "tools/train.ipynb",
        script_params={"--epochs": 3, "--rate": 0.5, "--name": "first try", "--fast": ""},
    )
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Completed", run.refresh().error
    assert run.get_metrics() == {"loss": [1.0, 0.5, 1 / 3]}
    names = [
        name for name in run.get_file_names() if "image_build_log" not in name
    ]  # there if it was built now
    assert names == [
        "azureml-logs/70_driver_log.txt",
        "outputs/model.bin",
        "outputs/train.output.ipynb",
    ]
    assert "trained first try True" in text_of(run, "azureml-logs/70_driver_log.txt")
    kept = json.loads(text_of(run, "outputs/train.output.ipynb"))
    assert kept["cells"][-1]["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert [child.get_status() for child in run.get_children()] == ["Completed"]
    assert "papermill==" in run.get_lock()["requirements"]


@pytest.mark.long
def test_a_cell_that_fails_ends_the_run_and_the_notebook_is_kept(project: Project) -> None:
    write_notebook(project.folder / "train.ipynb", "print('before')", "{}['epochs']", "print('never')")
    run = submit(project)
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Failed"
    error = run.get_details()["error"]["error"]
    assert error["code"] == "exit_code"
    assert "KeyError: 'epochs'" in error["message"]
    assert "Cell 2 of train.ipynb failed." in error["message"]
    assert "\x1b" not in error["message"]
    assert "never" not in text_of(run, "azureml-logs/70_driver_log.txt")
    assert "before" in text_of(run, "outputs/train.output.ipynb")


@pytest.mark.long
def test_a_cancel_ends_the_kernel_and_leaves_nothing(project: Project) -> None:
    write_notebook(
        project.folder / "train.ipynb",
        "import os, time\nfrom faena import Run\nrun = Run.get_context()\nrun.tag('own', os.environ['IPYTHONDIR'])",
        "run.log('begun', 1)\ntime.sleep(600)",
    )
    run = submit(project)
    until(lambda: run.get_metrics().get("begun"), "the cell runs", seconds=120)
    run.cancel()
    until(lambda: run.get_status() == "Canceled", "it is canceled")
    assert run.get_metrics() == {"begun": 1}
    own = Path(run.get_tags()["own"])
    until(lambda: not own.exists(), "what Jupyter wrote is gone with the attempt")


@pytest.mark.long
def test_what_cannot_be_run_is_said(project: Project) -> None:
    refused: list[tuple[str | None, dict[str, int], str]] = [
        ("not a notebook", {}, "cannot be run"),
        ("{}", {}, "cannot be run"),
        (None, {"positional": 1}, "'positional' names none"),
        (None, {"--1x": 3}, "'--1x' names none"),
    ]
    runs = []
    for content, arguments, _ in refused:
        write_notebook(project.folder / "train.ipynb", "print()")
        if content is not None:
            (project.folder / "train.ipynb").write_text(content)
        runs.append(submit(project, script_params=arguments))
    for run, (_, _, message) in zip(runs, refused, strict=True):
        run.wait_for_completion(raise_on_error=False)
        assert run.get_status() == "Failed"
        assert message in run.get_details()["error"]["error"]["message"]


def test_an_interpreter_that_cannot_run_notebooks_is_refused(project: Project, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    write_notebook(project.folder / "train.ipynb", "print()")
    before = [run.id for run in project.workspace.api.runs()]
    with pytest.raises(UserErrorException, match=r"lacks papermill and ipykernel. Install what is missing"):
        submit(project, interpreter=str(tmp_path / "bare" / "bin" / "python"))
    assert [run.id for run in project.workspace.api.runs()] == before
