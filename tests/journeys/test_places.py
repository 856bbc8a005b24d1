"""What runs while its workspace is moved goes on; where folders are removed, runs end, and say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.key import AttemptKey
from faena.client.runs.run import Run
from faena.kernel.errors import WorkspaceException
from faena.kernel.process_identity import Living
from faena.node import outcome
from faena.testing.shutdown import shut_down
from faena.testing.waiting import until
from tests.files import remove
from tests.journeys.scripts import Project

WAITING = """
import os, time
from pathlib import Path
from faena import Run
run = Run.get_context()
run.tag("pid", os.getpid())
run.log("n", 0)
while not Path({go!r}).exists():
    time.sleep(0.02)
run.log("n", 1)
open("outputs/model.bin", "w").write("m")
print("said at the end")
run.tag("asked", run.get_metrics()["n"])
"""


def _runs(run: Run) -> int:
    """The script's process id, once it runs."""
    return int(until(lambda: run.get_tags().get("pid", ""), "the script runs"))


def _is_gone(pid: int) -> Callable[[], bool]:
    return lambda: Living.of(pid) is None


@pytest.mark.long
def test_runs_go_on_in_a_workspace_that_is_moved(tmp_path: Path) -> None:
    workspace = Workspace.create("moved-live", tmp_path / "here")
    project = Project(workspace, tmp_path / "source")
    run = project.submit(WAITING.format(go=str(tmp_path / "go")))
    mine = Experiment(workspace, "mine").start_logging(outputs=None, snapshot_directory=None)
    mine.log("x", 1)
    _runs(run)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = Workspace(tmp_path / "there")
    until(lambda: moved.get_run(run.id).get_status() == "Running", "it runs on")
    (tmp_path / "go").touch()
    mine.log("x", 2)
    mine.complete()
    run.wait_for_completion(raise_on_error=False)  # the handle has followed
    found = moved.get_run(run.id)
    view = moved.api.run(run.id)
    assert (view.status, view.error, view.notes) == ("Completed", None, [])
    assert found.get_metrics() == {"n": [0, 1]} and found.get_tags()["asked"] == "[0, 1]"
    assert "outputs/model.bin" in found.get_file_names()
    assert moved.get_run(mine.id).get_metrics() == {"x": [1, 2]}
    assert moved.get_run(mine.id).get_status() == "Completed"
    assert workspace.folder == tmp_path / "there"
    project.run("print(1)", experiment="later")  # what the handle keeps in the folder, it keeps there
    assert not (tmp_path / "here").exists()
    shut_down(moved)


@pytest.mark.long
def test_a_run_whose_folder_is_removed_says_so(project: Project, tmp_path: Path) -> None:
    run = project.submit(WAITING.format(go=str(tmp_path / "never")))
    pid = _runs(run)
    attempts = project.workspace.files.attempts
    remove(attempts / run.id)
    run.wait_for_completion(raise_on_error=False)
    error = run.refresh().error
    assert error is not None and error.message.startswith(f"The folder of the attempt, {attempts / run.id}")
    assert "was removed while the script ran" in error.message
    until(_is_gone(pid), "the script has ended")

    mine = Experiment(project.workspace, "mine").start_logging(outputs=None, snapshot_directory=None)
    remove(attempts / mine.id)
    mine.complete()
    view = project.workspace.api.run(mine.id)
    said = [note.message for note in view.notes] + [view.error.message if view.error else ""]
    assert view.ended_at is not None and any(str(attempts / mine.id) in message for message in said)


@pytest.mark.long
def test_of_a_removed_workspace_nothing_goes_on(real_starts: None, tmp_path: Path) -> None:
    workspace = Workspace.create("removed-live", tmp_path / "here")
    project = Project(workspace, tmp_path / "source")
    run = project.submit(WAITING.format(go=str(tmp_path / "never")))
    script = _runs(run)
    folder = str(workspace.files.path)
    ours = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if folder in _words(path)]
    assert len(ours) >= 2  # server and runner
    doomed = tmp_path / "doomed"
    workspace.files.path.rename(doomed)  # as a whole: what runs there writes on meanwhile
    remove(doomed)
    until(_is_gone(script), "the script has ended")
    until(lambda: all(Living.of(pid) is None for pid in ours), "server and runner have left")
    with pytest.raises(WorkspaceException, match="was removed"):
        run.get_status()


def test_a_script_that_did_not_live_through_a_move_is_told_as_that(tmp_path: Path) -> None:
    """As by copying to another disk, where the guard could write its end nowhere."""
    folder = AttemptFolder(tmp_path / "there" / "run" / "1" / "0")
    folder.path.mkdir(parents=True)
    write_record(folder.path, "start", {"at": 1})
    key = AttemptKey("run", 1, 0)
    found, _ = outcome.read(
        folder, key, None, adopted=True, was_in=str(tmp_path / "here" / "run" / "1" / "0")
    )
    assert found["reason"] == "node_lost" and str(tmp_path / "here") in found["message"]
    assert "guard" not in found["message"]
    stayed, _ = outcome.read(folder, key, None, adopted=True, was_in=str(folder.path))
    assert "guard was killed" in stayed["message"]


def _words(cmdline: Path) -> list[str]:
    try:
        return cmdline.read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []
