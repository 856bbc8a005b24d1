"""`faena kernel install`: kernels on other Pythons, in which v1's names and Faena's are there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from faena import Environment, Workspace
from faena.kernel.errors import UserErrorException
from faena.kernel.python36.folder import faena_of
from faena.notebook.kernels import building, start
from tests.cli.terminal import within
from tests.notebook import old_notebooks
from tests.notebook.notebooks import SECONDS, bundles, printed
from tests.script.conftest import find_interpreter


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Jupyter looks for this user's kernels."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter"


def install(workspace: Workspace, *arguments: str) -> str:
    """What the command says; an error where it fails."""
    done = within(
        workspace.folder, "kernel", "install", *arguments, given={"COLUMNS": "200", "NO_COLOR": "1"}
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == (1 if "Exception" in said else 0), said
    return said


def run(workspace: Workspace, kernel: str, *sources: str) -> nbformat.NotebookNode:
    """A notebook in the workspace's folder. Raises CellExecutionError."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]  # type: ignore[no-untyped-call]  # it has no types
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]  # likewise
    folder = {"metadata": {"path": str(workspace.folder)}}
    client = NotebookClient(
        notebook, kernel_name=kernel, timeout=SECONDS, startup_timeout=SECONDS, resources=folder
    )
    client.execute()
    return notebook


def test_what_a_kernel_of_another_python_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"PATH": "/bin", "PYTHONHOME": "/x", "PYTHONPATH": "/y", "HOME": "/home/a"}
    seen = start.variables("/envs/old/bin/python", "2019-10-01", given)
    assert seen["PATH"] == "/envs/old/bin:/bin"
    assert seen["HOME"] == "/home/a"
    assert "PYTHONHOME" not in seen
    assert seen["PYTHONPATH"] == str(faena_of(sys.executable) / "script/pythonpath")
    assert (seen["FAENA_PYTHON"], seen["FAENA_AS_OF"]) == (sys.executable, "2019-10-01")
    assert start.variables("/a/python", "2019-10-01", {"FAENA_AS_OF": "today"})["FAENA_AS_OF"] == "today"
    assert "FAENA_AS_OF" not in start.variables("/a/python", "", {})
    for python in filter(None, [find_interpreter("3.6")]):
        assert "python36" in start.variables(python, "", {})["PYTHONPATH"]


def test_an_interpreter_as_it_is_becomes_a_kernel(
    lasting_workspace: Workspace, data: Path, tmp_path: Path
) -> None:
    said = install(lasting_workspace, "--interpreter", sys.executable, "--name", "mine")
    assert "is the kernel 'mine'" in said
    described = json.loads((data / "kernels/mine/kernel.json").read_text())
    assert described["argv"][-3:] == ["--interpreter", sys.executable, "{connection_file}"]
    assert [path.name for path in (data / "kernels").iterdir()] == ["mine"]
    assert "no name of a kernel" in install(
        lasting_workspace, "--interpreter", sys.executable, "--name", "A b"
    )
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho 'No module named ipykernel' >&2\nexit 1\n")
    bare.chmod(0o755)
    assert "-m pip install ipykernel" in install(lasting_workspace, "--interpreter", str(bare))


@pytest.mark.parametrize("version", ["2 7", "3 5"])
def test_an_interpreter_that_is_too_old_is_refused_by_its_version(
    lasting_workspace: Workspace, tmp_path: Path, version: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '{version}'\n")
    python.chmod(0o755)
    environment = Environment("old")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = str(python)
    with pytest.raises(UserErrorException, match=f"is Python {version.replace(' ', '.')}, which is too old"):
        building.build(lasting_workspace, environment, print)


OF_2019 = (
    """
import sys
from azureml.exceptions import ExperimentExecutionException
from azureml.core import Dataset, Experiment, ScriptRunConfig, Workspace
from azureml.widgets import RunDetails
import pandas
ws = Workspace.from_config()
print(sys.version_info[:2], pandas.__version__)
""",
    """
pandas.DataFrame({"x": [1, 2], "s": ["a", None]}).to_csv("table.csv", index=False)
store = ws.get_default_datastore()
store.upload_files(["table.csv"], target_path="old", overwrite=True)
table = Dataset.Tabular.from_delimited_files(store.path("old/table.csv")).to_pandas_dataframe()
assert type(table) is pandas.DataFrame and table.x.tolist() == [1, 2], table
""",
    """
from urllib.request import urlretrieve
import os
urlretrieve("http://yann.lecun.com/exdb/mnist/t10k-labels-idx1-ubyte.gz", "labels.gz")
assert os.path.getsize("labels.gz") == 4542
""",
    """
with open("train.py", "w") as file:
    file.write("import sys\\nfrom azureml.core import Run\\nRun.get_context().log('python', sys.version_info[1])\\n")
run = Experiment(ws, "of-2019").submit(ScriptRunConfig(source_directory=".", script="train.py"))
RunDetails(run).show()
""",
    """
run.wait_for_completion(show_output=True)
print(run.get_metrics())
""",
    """
import os, signal, threading
threading.Timer(1, os.kill, [os.getpid(), signal.SIGINT]).start()
later = Experiment(ws, "of-2019").start_logging()
try:
    later.wait_for_completion()
except ExperimentExecutionException as error:
    print(error)
later.complete()
""",
)


@pytest.mark.campaign
@pytest.mark.parametrize("python", ["3.6", "3.7"])
def test_a_notebook_of_2019_runs_on_the_packages_of_2019(
    own_workspace: Workspace, data: Path, python: str
) -> None:
    """Needs the package registry."""
    if find_interpreter(python) is None:
        pytest.skip(f"no CPython {python} on this machine")
    own_workspace.write_config(own_workspace.folder)
    install(own_workspace, "--as-of", "2019-10-01", "--python", python, "--pip", "pandas==0.25.1")
    notebook = run(own_workspace, "faena-2019-10-01", *OF_2019)
    said = printed(notebook)
    assert f"(3, {python[2:]}) 0.25.1" in said
    assert "Streaming azureml-logs" in said
    assert "'python': 7" in said or "'python': 6" in said
    assert "still executing" in said
    assert "MNIST comes from Faena's verified copy" in said
    [shown] = bundles(notebook)
    assert "Completed" in shown["text/plain"]
    assert "<" in shown["text/html"]
    trained = run(own_workspace, "faena-2019-10-01", *old_notebooks.TRAINING)
    assert "all of it" in printed(trained)
    assert ["Completed" in each["text/plain"] for each in bundles(trained)] == [True, True]
