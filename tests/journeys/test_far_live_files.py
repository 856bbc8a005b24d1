"""What a run on another machine has in ./outputs and ./logs while it goes on: listed, downloaded and registered."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Estimator, Experiment, Model, Run, Workspace
from faena.kernel.errors import Conflict, NotFound
from faena.testing.waiting import until
from tests.journeys.data import driver_log
from tests.node.joined.machines import FarMachine, cluster_of, far_machine

SCRIPT = """
import os, sys, time
os.makedirs("outputs/epoch-1")
open("outputs/epoch-1/model.npz", "wb").write(os.urandom(1 << 20) + b"one")
open("outputs/result.txt", "w").write("early")
os.truncate(os.open("outputs/huge", os.O_WRONLY | os.O_CREAT), (1 << 30) + 1)
busy = open("outputs/busy", "wb", 0)
open("logs/train.log", "w").write("line\\n")
print("written", flush=True)
while not os.path.exists(sys.argv[1]):
    busy.write(b"x")
    time.sleep(0.001)
open("outputs/result.txt", "w").write("late")
os.remove("outputs/huge")
"""


@pytest.fixture
def machine(lasting_workspace: Workspace, tmp_path: Path) -> Iterator[FarMachine]:
    with far_machine(cluster_of(lasting_workspace), tmp_path / "far") as found:
        yield found
    lasting_workspace.api.nodes.listen_no_more()


@pytest.mark.long
def test_files_are_had_from_the_machine_until_nothing_is_heard_of_it(
    machine: FarMachine, tmp_path: Path
) -> None:
    machine.home.mkdir(mode=0o755)  # as an administrator may have made it
    machine.join()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(SCRIPT)
    gate = tmp_path / "gate"
    run = Experiment(machine.cluster.workspace, "far").submit(
        Estimator(
            tmp_path / "source",
            entry_script="train.py",
            compute_target=machine.cluster,
            interpreter=sys.executable,
            script_arguments=[str(gate)],
        )
    )
    until(lambda: "written" in driver_log(run), "the script has written")
    had_while_it_runs(run, tmp_path)
    (log,) = machine.folder.glob("attempts/*/*/*/driver.log")
    for private in (machine.home / "nodes", log):
        assert private.stat().st_mode & 0o077 == 0, "what is there is nobody else's business"
    assert machine.process is not None
    machine.process.send_signal(signal.SIGSTOP)
    until(lambda: run.get_status() == "NotResponding", "nothing is heard of it")
    with pytest.warns(
        UserWarning, match="Not all files are known now: nothing is heard of the machine 'shed'"
    ):
        assert "outputs/result.txt" not in run.get_file_names()
    with pytest.raises(NotFound, match="nothing is heard of the machine 'shed'"):
        run.download_file("outputs/result.txt", tmp_path / "silent")
    machine.process.send_signal(signal.SIGCONT)
    gate.touch()
    run.wait_for_completion()
    run.download_file("outputs/result.txt", tmp_path / "late")
    assert (tmp_path / "late").read_text() == "late"


def had_while_it_runs(run: Run, tmp_path: Path) -> None:
    api = run.experiment.workspace.api
    live = {file.name: file.size for file in api.files(run.id) if file.live}
    size = live["outputs/epoch-1/model.npz"]
    assert size == (1 << 20) + 3
    assert {"outputs/result.txt", "logs/train.log", "outputs/huge"} <= {*live}
    run.download_file("outputs/result.txt", tmp_path / "early")
    assert (tmp_path / "early").read_text() == "early"
    page = api.transport.request("GET", f"/ui/runs/{run.id}/preview/outputs/result.txt").data
    assert b"early" in page
    assert b"outputs/result.txt" in api.transport.request("GET", f"/ui/runs/{run.id}").data
    run.download_file("logs/train.log", tmp_path / "log")
    assert (tmp_path / "log").read_text() == "line\n"
    with pytest.raises(Conflict, match=r"more than 1,024 MiB: too large"):
        run.download_file("outputs/huge", tmp_path / "huge")
    with pytest.raises(NotFound, match=r"no file 'outputs/none'. There is: .*outputs/result\.txt"):
        run.download_file("outputs/none", tmp_path / "none")
    name = f"model-{secrets.token_hex(4)}"
    run.register_model(name, "outputs/epoch-1")
    Model(run.experiment.workspace, name).download(tmp_path / "model")
    assert (tmp_path / "model" / "epoch-1" / "model.npz").read_bytes()[-3:] == b"one"
