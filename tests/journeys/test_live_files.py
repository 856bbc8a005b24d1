"""What a run has in ./outputs and ./logs while it goes on: listed, downloaded and registered as it is now."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Experiment, Model, Workspace
from faena.client.runs.run import Run
from faena.kernel.errors import Conflict, ModelPathNotFoundException, NotFound
from faena.testing.waiting import until
from tests.journeys.scripts import Project

STEERED = """
    import os, time
    os.makedirs("outputs/epoch-1")
    open("outputs/epoch-1/model.npz", "w").write("one")
    open("outputs/result.txt", "w").write("early")
    os.symlink("epoch-1", "outputs/latest")
    open("logs/train.log", "w").write("line\\n")
    open("written", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    open("outputs/result.txt", "w").write("late")
    open("outputs/epoch-1/model.npz", "w").write("two")
"""


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def code_of(run: Run) -> Path:
    return run.experiment.workspace.files.path / "attempts" / run.id / "1" / "0" / "code"


def started(project: Project, script: str, sign: str = "written") -> tuple[Run, Path]:
    run = project.submit(script)
    code = code_of(run)
    until(lambda: (code / sign).exists(), "the script has begun")
    return run, code


def test_files_are_listed_downloaded_and_registered(project: Project, tmp_path: Path) -> None:
    run, code = started(project, STEERED)
    names = run.get_file_names()
    assert {
        "outputs/result.txt",
        "outputs/epoch-1/model.npz",
        "outputs/latest/model.npz",
        "logs/train.log",
    } <= {*names}
    live = {file.name for file in project.workspace.api.files(run.id) if file.live}
    assert live == {name for name in names if name.startswith(("outputs/", "logs/"))}
    run.download_file("outputs/result.txt", tmp_path / "early.txt")
    run.download_files("outputs/", tmp_path / "all")
    assert (tmp_path / "early.txt").read_text() == "early"
    assert (tmp_path / "all/outputs/latest/model.npz").read_text() == "one"
    with pytest.raises(NotFound, match=r"outputs/result\.txt"):
        run.download_file("outputs/none", tmp_path / "none")

    name = f"model-{secrets.token_hex(4)}"
    model = run.register_model(name, "outputs/epoch-1")
    with pytest.raises(ModelPathNotFoundException, match=r"outputs/result\.txt"):
        run.register_model(name, "outputs/none")
    [note] = [note.message for note in run.refresh().notes if note.code == "registered_while_running"]
    assert note.startswith(f"Model {model.id} was made of outputs/epoch-1 as it was at ")

    (code / "go").touch()
    run.wait_for_completion()
    run.download_file("outputs/result.txt", tmp_path / "late.txt")
    assert (tmp_path / "late.txt").read_text() == "late"
    assert not any(file.live for file in project.workspace.api.files(run.id))
    run.download_file("outputs/latest/model.npz", tmp_path / "last.npz")
    assert (tmp_path / "last.npz").read_text() == "two"
    Model(project.workspace, name).download(tmp_path / "model")
    assert (tmp_path / "model/epoch-1/model.npz").read_text() == "one", "as it was then"


def test_a_file_that_never_rests_is_told_and_a_log_has_its_stream(project: Project, tmp_path: Path) -> None:
    run, code = started(
        project,
        """
        import os, time
        out, log = open("outputs/busy.bin", "wb", 0), open("logs/busy.log", "wb", 0)
        while not os.path.exists("go"):
            out.write(b"x"); log.write(b"line\\n")
            open("written", "w").close()
            time.sleep(0.001)
        """,
    )
    told = until(
        lambda: _refusal(lambda: run.download_file("outputs/busy.bin", tmp_path / "early.bin")),
        "the file is seen to be written",  # the script rests where others have the cores
    )
    assert "'outputs/busy.bin'" in told and " is written again and again" in told
    told = until(
        lambda: _refusal(lambda: run.register_model(f"model-{secrets.token_hex(4)}", "outputs")),
        "so it is for a model",
    )
    assert "again and again" in told
    run.download_file("logs/busy.log", tmp_path / "busy.log")
    assert (tmp_path / "busy.log").read_text().startswith("line\n")
    (code / "go").touch()
    run.wait_for_completion()
    run.download_file("outputs/busy.bin", tmp_path / "busy.bin")


def _refusal(ask: Callable[[], object]) -> str:
    """Why it was refused; nothing where it was not."""
    try:
        ask()
    except Conflict as error:
        return error.message
    return ""


def test_files_of_a_run_of_this_process(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = Experiment(workspace, f"live-{secrets.token_hex(4)}")
    with experiment.start_logging(outputs=str(tmp_path / "outputs"), snapshot_directory=None) as run:
        (tmp_path / "outputs").mkdir(exist_ok=True)
        (tmp_path / "outputs" / "result.txt").write_text("early")
        assert "outputs/result.txt" in run.get_file_names()
        run.download_file("outputs/result.txt", tmp_path / "copy.txt")
        assert (tmp_path / "copy.txt").read_text() == "early"


@pytest.mark.long
def test_each_rank_has_its_log(project: Project, tmp_path: Path) -> None:
    project.workspace.write_config(tmp_path)
    run = project.run("import os; print('I am', os.environ['FAENA_RANK'])", node_count=2)
    assert run.get_status() == "Completed"
    command = [sys.executable, "-m", "faena.cli"]
    shown = _faena(tmp_path, *command, "logs", run.id)
    first, second = ("azureml-logs/70_driver_log_0.txt", "azureml-logs/70_driver_log_1.txt")
    assert shown == f"==> {first} <==\nI am 0\n\n==> {second} <==\nI am 1\n"
    assert _faena(tmp_path, *command, "logs", run.id, "--rank", "1") == "I am 1\n"


def _faena(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
