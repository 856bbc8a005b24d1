"""Two processes of one server: either answers, and when one dies, the other does all."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from faena import Cluster, Estimator, Experiment, Run, Workspace
from tests.several.processes import Server, until

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


SCRIPT = """
import time
from pathlib import Path
from faena import Run
run = Run.get_context()
for step in range(1000):
    run.log('loss', 1 / (1 + step))
    print('step', step, flush=True)
    if Path(SIGN).exists():
        break
    time.sleep(0.05)
run.log('end', step)
"""


class Job:
    """A run that goes on until it is told to end."""

    def __init__(self, server: Server, by: Workspace, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        self._sign = tmp_path / "sign"
        (source / "train.py").write_text(SCRIPT.replace("SIGN", repr(str(self._sign))))
        cluster = Cluster.get_or_create(by, "cpu", max_nodes=1)
        self.run = Experiment(by, "far").submit(
            Estimator(
                str(source), entry_script="train.py", compute_target=cluster, interpreter=sys.executable
            )
        )
        until(lambda: self.run.get_metrics().get("loss"), "it logs")

    def end(self) -> None:
        self._sign.touch()


def test_either_answers_what_the_other_was_told(server: Server, tmp_path: Path) -> None:
    first, second = server.start(), server.start()
    assert (first.leads, second.leads) == (True, False)
    one, other = server.by(first), server.by(second)
    job = Job(server, other, tmp_path)
    assert [run.id for run in Experiment(one, "far").get_runs()] == [job.run.id]
    job.end()
    assert job.run.wait_for_completion()["status"] == "Completed"
    assert "end" in job.run.get_metrics()
    assert first.end() == -signal.SIGTERM
    assert second.end() == -signal.SIGTERM


def test_the_leader_dies_and_the_run_goes_on(server: Server, tmp_path: Path) -> None:
    first, second = server.start(), server.start()
    other = server.by(second)
    job = Job(server, other, tmp_path)
    first.end(signal.SIGKILL)
    began = time.monotonic()
    until(lambda: second.leads, "the second leads")
    took = time.monotonic() - began
    job.end()
    assert job.run.wait_for_completion()["status"] == "Completed"
    found = Run.get(other, job.run.id).get_metrics()
    assert len(found["loss"]) == found["end"] + 1
    assert job.run.get_details()["attempt"] == 1 if "attempt" in job.run.get_details() else True
    print(f"took over after {took:.2f} s")
