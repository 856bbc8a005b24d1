"""An attempt that goes again goes on from what the one before has saved, whoever was killed, and when."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena import Workspace
from faena.kernel.errors import UserErrorException
from faena.testing.kills.processes import runners_of
from faena.testing.waiting import until
from tests.cli.test_commands import faena
from tests.examples import long_form
from tests.journeys.scripts import Project

COUNTS = """
import os, pathlib, signal, sys, time
from faena import Run

run = Run.get_context()
place = pathlib.Path(os.environ["FAENA_CHECKPOINTS"])
place.mkdir(exist_ok=True)
saved = place / "count"
count = int(saved.read_text()) if saved.exists() else 0
print("attempt", os.environ["FAENA_ATTEMPT"], "begins at", count, flush=True)

def save():
    (place / "new").write_text(str(count))
    (place / "new").rename(saved)

while count < 4:
    count += 1
    run.log("count", count)
    save()
    if count == 2:
        HERE
"""


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def counts(here: str) -> str:
    return COUNTS.replace("HERE", here)


@pytest.mark.long
@pytest.mark.parametrize(
    "end", ["os._exit(3)", *map(long_form, ("os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError"))]
)
def test_a_script_that_fails_goes_on_from_what_it_had_saved(
    project: Project, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = project.submit(counts(end), max_retries=1)
    run.wait_for_completion(show_output=True, raise_on_error=False)
    shown = capsys.readouterr().out
    assert shown.count("attempt 1 begins at 0\n") == shown.count("attempt 2 begins at 2\n") == 1
    assert run.get_status() == "Completed"
    assert run.get_metrics() == {"count": [3, 4]}, "those of the attempt that counts"
    first, second = run.refresh().attempts
    assert (first.reason, second.reason) == ("signal" if "kill" in end else "exit_code", "completed")
    assert (first.began_from, second.began_from) == (0, 1)
    assert second.checkpoint is not None
    assert (second.checkpoint.files, second.checkpoint.size) == (1, 1)


def test_exit_codes_that_are_not_named_are_the_end(project: Project) -> None:
    run = project.run(counts("sys.exit(4)"), max_retries=5, retry_on_exit_codes=[3])
    assert (run.get_status(), run.refresh().attempt) == ("Failed", 1)


def test_a_run_that_goes_again_may_be_canceled(project: Project) -> None:
    run = project.submit(
        counts("time.sleep(0.05); sys.exit(1)").replace("count < 4", "True"), max_retries=1000
    )
    until(lambda: run.refresh().attempt > 1, "it goes again")
    run.cancel()
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() in ("Canceled", "Failed")


@pytest.mark.long
def test_a_lost_node_costs_one_attempt(own_workspace: Workspace, tmp_path: Path) -> None:
    """The runner dies, and with it all evidence of how files came: what was taken before counts."""
    own_project = Project(own_workspace, tmp_path / "source", max_nodes=1)
    run = own_project.submit(counts('time.sleep(600) if os.environ["FAENA_ATTEMPT"] == "1" else None'))
    until(lambda: [each for each in run.refresh().attempts if each.checkpoint], "its checkpoint was taken")
    (runner,) = runners_of(own_project.workspace.files.path)
    os.kill(runner, signal.SIGKILL)
    run.wait_for_completion()
    assert run.get_metrics() == {"count": [3, 4]}


@pytest.mark.long
def test_attempts_are_told_apart(project: Project) -> None:
    run = project.run(counts("sys.exit(3)"), max_retries=1)
    project.workspace.write_config(project.workspace.folder)

    def said(command: str, *options: str) -> str:
        return faena(project.workspace, command, run.id, *options).stdout

    shown = said("show")
    assert "exit code 3" in shown and "attempt 1" in shown and "1 file, 1 B" in shown
    assert "attempt 1 begins at 0" in said("logs", "--attempt", "1")
    assert "attempt 2 begins at 2" in said("logs")
    assert json.loads(said("metrics", "--attempt", "1", "--json")) == {"count": [1, 2]}
    assert run.get_metrics() == {"count": [3, 4]}


STOPS = 'None if "again" in sys.argv else '


@pytest.mark.long
@pytest.mark.parametrize("way", ["canceled", *map(long_form, ("failed", "time limit"))])
def test_a_run_that_ended_is_gone_on_with(project: Project, way: str) -> None:
    here = "sys.exit(3)" if way == "failed" else "time.sleep(600)"
    limit = 1 if way == "time limit" else None
    run = project.submit(counts(STOPS + here), max_run_duration_seconds=limit, grace_seconds=1)
    if way == "canceled":
        until(lambda: run.refresh().attempts, "its checkpoint was taken")
        run.cancel()
    run.wait_for_completion(raise_on_error=False)
    again = run.rerun({"again": None}, from_checkpoint=True)
    again.wait_for_completion()
    assert again.get_metrics() == {"count": [3, 4]}
    view = again.refresh()
    assert view.checkpoint is not None
    assert (view.checkpoint.run, again.get_tags()["faena.rerun_of"]) == (run.id, run.id)
    with pytest.raises(UserErrorException, match="has completed"):
        again.resume()


def test_what_is_resumed_is_the_same_run_anew(project: Project) -> None:
    run = project.run(counts("sys.exit(3)"))
    again = run.resume()
    again.wait_for_completion()
    assert again.get_metrics() == {"count": [3, 4]}, "it is past what failed"
    assert again.refresh().arguments == run.refresh().arguments


def test_without_a_checkpoint_nothing_is_resumed(project: Project) -> None:
    run = project.run("raise SystemExit(1)")
    with pytest.raises(UserErrorException, match="has saved no checkpoint"):
        run.resume()


def test_a_signal_comes_before_the_time_is_up(project: Project) -> None:
    run = project.run(
        """
        import signal, sys, time
        signal.signal(signal.SIGUSR1, lambda *_: (print("saved", flush=True), sys.exit(5)))
        time.sleep(600)
        """,
        max_run_duration_seconds=600,
        early_signal="USR1@597",
    )
    error = run.refresh().error
    assert error is not None
    assert (error.exit_code, error.last_lines[-1]) == (5, "saved")


@pytest.mark.long
@pytest.mark.parametrize("version", ["5.1.0", pytest.param("7.8.1", marks=pytest.mark.campaign)])
def test_a_chainer_trainer_goes_on_from_its_snapshot(
    project: Project, chainer_python: Callable[[str], Path], version: str
) -> None:
    """The example, whose process is killed in its third epoch."""
    script = (Path(__file__).parents[2] / "examples" / "checkpoints" / "train.py").read_text()
    killed = 'if os.environ["FAENA_ATTEMPT"] == "1" and trainer.updater.epoch == 3: os.kill(os.getpid(), 9)'
    script = script.replace("    run.log(", f"    {killed}\n    run.log(")
    script = script.replace("import chainer\n", "import os\nimport chainer\n", 1)
    if version != "5.1.0":  # which learned later to do so by itself
        script = script.replace("snapshot()", "snapshot(autoload=True)").replace(
            "if snapshots :=", "if False and"
        )
    options: dict[str, Any] = {"script_arguments": ["--epochs", "5"], "max_retries": 1}
    run = project.run(script, interpreter=str(chainer_python(version)), **options)
    assert run.get_status() == "Completed", run.refresh().error
    assert len(run.get_metrics()["loss"]) == 3, "epochs 3, 4 and 5"
    assert "outputs/checkpoints/snapshot_iter_40" in run.get_file_names()
