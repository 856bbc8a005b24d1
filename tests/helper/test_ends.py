"""What becomes of a run that a process left open: it depends on how that process ended, not on how its helper did."""

from __future__ import annotations

import pytest

from faena import Experiment, Workspace
from faena.node.follower import GONE
from tests.script.conftest import RunHere

LEFT_OPEN = """
import os, signal, sys
from azureml.core import Experiment, Workspace
ws = Workspace.of_folder(os.path.join(sys.argv[1], ".faena"))
run = Experiment(ws, sys.argv[2]).start_logging(snapshot_directory=None)
run.log("x", 1)
if os.fork() == 0:
    run.log("x", 2)
    sys.exit(0)
os.wait()
"""


@pytest.mark.parametrize(
    ("ending", "status", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "Failed", GONE["message"]),
        ("{}['epochs']", "Failed", "KeyError: 'epochs' ("),
        ("sys.exit(3)", "Completed", ""),
    ],
)
@pytest.mark.long
def test_a_run_that_was_left_open(
    old: RunHere, lasting_workspace: Workspace, ending: str, status: str, said: str
) -> None:
    experiment = f"left-{old.folder.name.replace('_', '-')}"
    process = old.start(LEFT_OPEN + ending + "\n", str(lasting_workspace.folder), experiment)
    _, err = process.communicate(timeout=120)
    found = list(Experiment(lasting_workspace, experiment).get_runs())
    assert len(found) == 1, err
    run = found[0]
    assert run.wait_for_completion(raise_on_error=False) is not None
    assert run.get_status() == status
    error = run.get_details().get("error") or {"error": {"message": ""}}
    assert error["error"]["message"].startswith(said)
    assert sorted(run.get_metrics()["x"]) == [1, 2]
    assert [note.code for note in run.refresh().notes] == (["left_open"] if status == "Completed" else [])
