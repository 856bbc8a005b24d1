"""A machine whose clock is off by an hour, or is set while it works, has runs as any other."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from faena import Estimator, Experiment, Workspace
from tests.node.joined.clocks import clock
from tests.node.joined.machines import cluster_of, far_machine

SCRIPT = """
import os, time
from faena import Run
run = Run.get_context()
for number in range(4):
    run.log("n", number)
    if number == 1 and os.environ["SETS_CLOCK"]:
        open(os.environ["CLOCK_OFF"], "w").write(os.environ["SETS_CLOCK"])
print("time", time.time())
open("outputs/made", "w").write("made")
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("off", "to", "note"),
    [
        (3600, "", "node_clock"),
        pytest.param(-3600, "", "node_clock", marks=pytest.mark.campaign),
        pytest.param(700_000_000, "", "node_clock", marks=pytest.mark.campaign),
        pytest.param(0, "3600", "clock_set", marks=pytest.mark.campaign),
        pytest.param(0, "-3600", "clock_set", marks=pytest.mark.campaign),
    ],
)
def test_a_run_there_is_whole_and_has_true_times(
    off: int, to: str, note: str, lasting_workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(SCRIPT)
    wrong = clock(tmp_path, off)
    cluster = cluster_of(lasting_workspace)
    with far_machine(cluster, tmp_path / "far") as machine:
        machine.join(made=cluster.join_token(), **wrong)
        run = Experiment(lasting_workspace, "far").submit(
            Estimator(
                tmp_path / "source",
                entry_script="train.py",
                compute_target=cluster,
                interpreter=sys.executable,
                environment_variables={**wrong, "SETS_CLOCK": to},
            )
        )
        run.wait_for_completion()
    lasting_workspace.api.nodes.listen_no_more()
    view = run.refresh()
    assert run.get_metrics() == {"n": [0, 1, 2, 3]}
    assert "outputs/made" in run.get_file_names()
    assert note in {each.code for each in view.notes}
    times = [phase.started_at for phase in view.phases]
    assert times == sorted(times), "each phase begins after the one before"
    assert abs(times[-1] / 1e6 - time.time()) < 600
    assert view.started_at is not None
    assert view.started_at == times[[phase.name for phase in view.phases].index("Running")]
