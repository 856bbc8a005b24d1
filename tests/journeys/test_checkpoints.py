"""An attempt that goes again goes on from what the one before has saved, whoever was killed, and when."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from faena import Workspace
from faena.testing.kills.processes import runners_of
from faena.testing.waiting import until
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


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError"])
def test_a_script_that_fails_goes_on_from_what_it_had_saved(project: Project, end: str) -> None:
    run = project.run(counts(end), max_retries=1)
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


def test_a_lost_node_costs_one_attempt(own_workspace: Workspace, tmp_path: Path) -> None:
    """The runner dies, and with it all evidence of how files came: what was taken before counts."""
    own_project = Project(own_workspace, tmp_path / "source", max_nodes=1)
    run = own_project.submit(counts('time.sleep(600) if os.environ["FAENA_ATTEMPT"] == "1" else None'))
    until(lambda: [each for each in run.refresh().attempts if each.checkpoint], "its checkpoint was taken")
    (runner,) = runners_of(own_project.workspace.files.path)
    os.kill(runner, signal.SIGKILL)
    run.wait_for_completion()
    assert run.get_metrics() == {"count": [3, 4]}
