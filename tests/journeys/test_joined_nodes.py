"""Runs on a machine that shares no disk with the server: all that they need comes by bytes, and all that they make."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import faena
from faena import (
    Estimator,
    Experiment,
    HyperDriveConfig,
    PrimaryMetricGoal,
    RandomParameterSampling,
    Run,
    Workspace,
    uniform,
)
from faena.client.runs.sweep_run import HyperDriveRun
from faena.kernel import process_identity
from faena.kernel.errors import Conflict, FaenaError, ProtocolMismatch, ServerUnreachable
from faena.node.joined.left import open_attempts
from faena.node.joined.machine import Machine
from faena.node.joined.runner import Runner
from faena.node.joined.told import Told
from faena.testing.kills import processes
from faena.testing.waiting import until
from tests.cli.terminal import piped
from tests.environments.packages import make_wheel
from tests.examples import long_form
from tests.journeys.data import driver_log
from tests.node.joined.machines import FarMachine, cluster_of, far_machine

EVERYTHING = """
import json, os, pathlib, sys, time, urllib.request
import thing
from faena import Run
from faena.script.rpc import RunnerClient

mounted, downloaded, out = sys.argv[1:4]
run = Run.get_context()
home = os.environ["FAENA_HOME"]
print("thing", thing.VERSION, sys.prefix.startswith(home))
print("mounted", sorted(os.listdir(mounted)), pathlib.Path(mounted, "a.txt").read_text())
print("downloaded", pathlib.Path(downloaded, "a.txt").read_text())
print("home", os.environ["HOME"] == os.path.dirname(home))
pathlib.Path(out, "deep").mkdir()
pathlib.Path(out, "deep", "made.txt").write_text("made")
for step in range(3):
    run.log("loss", 1 / (step + 1))
for lr in (0.1, 0.2):
    with run.child_run(f"lr {lr}") as child:
        child.log("lr", lr)
door = RunnerClient(os.environ["FAENA_SOCKET"]).call("open_mlflow", {}, 60)
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + door["token"]}
point = {"run_id": os.environ["FAENA_RUN_ID"], "key": "by mlflow", "value": 0.5, "timestamp": 1}
address = door["url"] + "/api/2.0/mlflow/runs/log-metric"
urllib.request.urlopen(urllib.request.Request(address, json.dumps(point).encode(), headers))
print("mlflow", door["token"], "is the token")
left = run.child_run("left open")
left.log("lr", 0.3)
pathlib.Path("notes.txt").write_text("notes")
run.upload_file("notes/notes.txt", "notes.txt")
pathlib.Path("outputs", "model").mkdir()
pathlib.Path("outputs", "model", "weights").write_bytes(os.urandom(2 << 20))
model = run.register_model("far-net", "outputs/model")
print("registered", model.name, model.version)
place = pathlib.Path(os.environ["FAENA_CHECKPOINTS"])
if os.environ["FAENA_ATTEMPT"] == "1":
    place.mkdir(exist_ok=True)
    (place / "new").write_text("state")
    (place / "new").rename(place / "state")
    os._exit(3)
print("state", (place / "state").read_text())
pathlib.Path("logs", "more.txt").write_text("more")
"""


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    """The module's; its server leaves once nobody is listened for."""
    yield lasting_workspace
    lasting_workspace.api.nodes.listen_no_more()


@pytest.fixture
def machine(workspace: Workspace, tmp_path: Path) -> Iterator[FarMachine]:
    with far_machine(cluster_of(workspace), tmp_path / "far") as found:
        yield found


def submit(machine: FarMachine, folder: Path, script: str, **options: object) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(textwrap.dedent(script))
    given = {"interpreter": sys.executable, **options}
    if "pip_packages" in given:
        del given["interpreter"]
    estimator = Estimator(folder, entry_script="train.py", compute_target=machine.cluster, **given)  # type: ignore[arg-type]  # given by name
    return Experiment(machine.cluster.workspace, "far").submit(estimator)


def log_of(run: Run, name: str = "azureml-logs/70_driver_log.txt") -> str:
    with run.experiment.workspace.api.open_file(run.id, name) as parts:
        return b"".join(parts).decode()


def test_a_run_with_all_that_there_is(workspace: Workspace, machine: FarMachine, tmp_path: Path) -> None:
    store = workspace.get_default_datastore()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "a.txt").write_text("a")
    store.upload(str(tmp_path), target_path="given", show_progress=False)
    wheel = make_wheel(tmp_path / "wheels", "thing", "1.5")
    machine.join()
    mounted = store.path("given/words", data_reference_name="in").as_mount()
    downloaded = store.path("given/words").as_download(path_on_compute="words")
    out = store.path("results").as_upload()
    run = submit(
        machine,
        tmp_path / "source",
        EVERYTHING,
        pip_packages=[str(wheel)],
        script_arguments=[str(each) for each in (mounted, downloaded, out)],
        inputs=[mounted, downloaded, out],
        max_retries=1,
    )
    run.wait_for_completion(raise_on_error=False)
    said = log_of(run)
    assert run.get_status() == "Completed", said
    for line in (
        "thing 1.5 True",
        "mounted ['a.txt'] a",
        "downloaded a",
        "home True",
        "registered far-net 2",
        "state state",
        "* is the token",
    ):
        assert line in said
    assert [len(run.refresh().attempts), run.get_metrics()["loss"]] == [2, [1.0, 1 / 2, 1 / 3]]
    assert run.get_metrics()["by mlflow"] == 0.5
    children = sorted((child.name, child.get_status(), child.get_metrics()) for child in run.get_children())
    assert children[-2:] == [("lr 0.2", "Completed", {"lr": 0.2})] * 2
    assert {status for name, status, _ in children if name == "left open"} == {"Failed", "Completed"}
    names = run.get_file_names()
    assert {"notes/notes.txt", "outputs/model/weights", "logs/more.txt"} <= {*names}
    build = log_of(run, "azureml-logs/20_image_build_log.txt")
    assert "On the node shed:" in build
    assert str(machine.home) in build
    assert Path(store.folder, "results", "deep", "made.txt").read_text() == "made"
    assert run.refresh().attempts[1].began_from == 1
    until(lambda: open_attempts(machine.folder) == [], "nothing is left of it there")


_SRUN = """#!{python}
# stands in for Slurm's: a task in a session of its own, to whose process group SIGTERM is sent
import os, signal, subprocess, sys
task = subprocess.Popen([word for word in sys.argv[1:] if word != "--ntasks=1"], start_new_session=True)
signal.signal(signal.SIGTERM, lambda *_: os.killpg(task.pid, signal.SIGTERM))
sys.exit(task.wait())
"""
_JOB = Path(__file__).parents[2] / "deploy" / "slurm" / "faena-node.sbatch"


def slurm(folder: Path, token: str) -> dict[str, str]:
    """Variables of a job, whose commands and token are in `folder`."""
    folder.mkdir()
    (folder / "token").write_text(token)
    for name, text in (("srun", _SRUN), ("faena", '#!/bin/sh\nexec {python} -P -m faena.cli "$@"\n')):
        (folder / name).write_text(text.format(python=sys.executable))
        (folder / name).chmod(0o755)
    variables = {"SLURM_JOB_ID": "77", "SLURM_CPUS_PER_TASK": "1", "SLURM_JOB_PARTITION": "short"}
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "FAENA_TOKEN_FILE": str(folder / "token"),
        **variables,
    }


@pytest.mark.long
def test_a_job_of_slurm_that_is_preempted_ships_and_its_run_goes_on_when_it_is_requeued(
    workspace: Workspace, tmp_path: Path
) -> None:
    with far_machine(cluster_of(workspace), tmp_path / "far", "slurm-77") as machine:
        _is_preempted(machine, tmp_path)


def _is_preempted(machine: FarMachine, tmp_path: Path) -> None:
    made = machine.cluster.join_token()
    machine.started_by, job = ("bash", str(_JOB)), slurm(tmp_path / "bin", made.token)
    machine.join(made=made, **job)
    seen = machine.seen()
    assert seen is not None
    assert (seen.cores, seen.labels) == (1, {"partition": "short"})
    script = """
        import os, pathlib, signal, sys, time
        place = pathlib.Path(os.environ["FAENA_CHECKPOINTS"])
        place.mkdir(exist_ok=True)
        if (place / "state").exists():
            print("goes on from", (place / "state").read_text())
            sys.exit()
        def end(*_):
            (place / "new").write_text("the end of the day")
            (place / "new").rename(place / "state")
            print("saved", flush=True)
            sys.exit(1)
        signal.signal(signal.SIGTERM, end)
        print("waits", flush=True)
        time.sleep(600)
    """
    run = submit(machine, tmp_path / "source", script, max_retries=1)
    until(lambda: "waits" in driver_log(run), "the script waits")
    assert machine.end(signal.SIGTERM) == 0
    first = run.refresh().attempts[0]
    assert (first.reason, run.get_status()) == ("node_lost", "Queued")
    assert "shut down" in str(first.message)
    assert "saved" in log_of(run)
    machine.join(made=made, **job)  # the token is good for a day; the machine has its own by now
    run.wait_for_completion()
    assert len(run.refresh().attempts) == 2
    assert "goes on from the end of the day" in log_of(run)


@pytest.mark.long
@pytest.mark.parametrize("heir", ["of its name", long_form("of another name on that host")])
def test_what_a_killed_runner_left_is_brought_by_the_next(
    machine: FarMachine, tmp_path: Path, heir: str
) -> None:
    made = machine.cluster.join_token()
    machine.join(made=made)
    script = """
        import os, sys, time
        from faena import Run
        from faena.script.rpc import RunnerClient
        child = Run.get_context().child_run("below")
        child.log("step", 1)
        open("outputs/made", "w").write("made")
        token = RunnerClient(os.environ["FAENA_SOCKET"]).call("open_mlflow", {}, 60)["token"]
        print("waits", flush=True)
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)
        print("by", token, flush=True)
        time.sleep(600)
    """
    gate = tmp_path / "gate"
    run = submit(machine, tmp_path / "source", script, max_node_losses=0, script_arguments=[str(gate)])
    until(lambda: "waits" in driver_log(run), "the script waits")
    assert machine.process is not None
    machine.process.send_signal(signal.SIGSTOP)
    gate.touch()
    (log,) = machine.folder.glob("attempts/*/*/*/driver.log")
    until(lambda: "by run." in log.read_text(), "the token of the run is in what the next one brings")
    machine.end(signal.SIGKILL)
    with contextlib.ExitStack() as stack:
        if heir == "of its name":
            machine.start(made.url)  # by its own token
        else:
            stack.enter_context(far_machine(machine.cluster, machine.place, "barn")).join(made=made)
        run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Failed"
    assert "The node's runner died while the script ran" in str(run.refresh().error)
    assert "outputs/made" in run.get_file_names()
    assert "by ****" in log_of(run)
    assert "by run." not in log_of(run)
    until(lambda: open_attempts(machine.folder) == [], "nothing is left of it there")
    (child,) = run.get_children()
    assert (child.get_status(), child.get_metrics()) == ("Failed", {"step": 1})


@pytest.mark.long
def test_a_node_for_one_run_leaves_after_it(machine: FarMachine, tmp_path: Path) -> None:
    machine.join("--once", "--label", "rack=3")
    assert (seen := machine.seen()) is not None and seen.labels == {"rack": "3"}
    run = submit(machine, tmp_path / "source", "print('once')", use_gpu=True)
    run.wait_for_completion()
    first, second = log_of(run).splitlines()
    assert first.startswith("faena: NO GPU. The run asked for one (use_gpu=True), and its node has none")
    assert second == "once"
    assert [note.code for note in run.refresh().notes] == ["no_gpu"]
    assert machine.process is not None
    assert machine.process.wait(60) == 0
    assert machine.seen() is None, "its name does not come back"


@pytest.mark.long
def test_a_sweep_there_loses_and_doubles_no_trial_though_its_node_is_killed(
    machine: FarMachine, tmp_path: Path
) -> None:
    made = machine.cluster.join_token()
    machine.join(made=made)
    began, gate = tmp_path / "began", tmp_path / "gate"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(
        f"""import pathlib, sys, time
from faena import Run
run = Run.get_context()
run.log("n", float(sys.argv[2]))
pathlib.Path({str(began)!r}).touch()
while not pathlib.Path({str(gate)!r}).exists():
    time.sleep(0.05)
"""
    )
    estimator = Estimator(
        tmp_path / "source",
        entry_script="train.py",
        compute_target=machine.cluster,
        interpreter=sys.executable,
    )
    space = RandomParameterSampling({"--x": uniform(0, 1)}, seed=1)
    goal = PrimaryMetricGoal.MAXIMIZE
    sweep = Experiment(machine.cluster.workspace, "far").submit(
        HyperDriveConfig(space, "n", goal, 3, 1, estimator=estimator)
    )
    assert isinstance(sweep, HyperDriveRun)
    until(began.exists, "a trial runs")
    machine.end(signal.SIGKILL)
    machine.start(made.url)
    until(lambda: next(sweep.trials()).tries == 1, "the one that was killed is tried again")
    gate.touch()
    sweep.wait_for_completion()
    trials = list(sweep.trials())
    assert [(each.number, each.status) for each in trials] == [(number, "Completed") for number in range(3)]
    assert [each.tries for each in trials] == [1, 0, 0]
    assert len(list(sweep.get_children())) == 4


def have_run(said: Path, number: int) -> bool:
    return len(said.read_text().split()) >= number


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_twenty_runs_on_two_machines_end_once_each_though_runners_and_the_server_are_killed(
    workspace: Workspace, machine: FarMachine, tmp_path: Path
) -> None:
    made = machine.cluster.join_token()
    script = """
        import os, sys, time
        from faena import Run
        run = Run.get_context()
        said = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in range(10):
            run.log("n", number)
            time.sleep(0.05)
        open("outputs/own", "w").write(run.id)
        os.write(said, f"{run.id}\\n".encode())
    """
    said = tmp_path / "said"
    said.touch()
    with far_machine(machine.cluster, tmp_path / "other", "barn") as other:
        for each in (machine, other):
            each.join(made=made)
        runs = [
            submit(machine, tmp_path / "source", script, max_node_losses=3, script_arguments=[str(said)])
            for _ in range(20)
        ]
        for number, victim in enumerate((machine, None, other, None)):
            least = 4 * number + 2
            until(partial(have_run, said, least), f"{least} have run", seconds=300)
            if victim is not None:
                victim.end(signal.SIGKILL)
                victim.start(made.url)
            elif server := processes.server_of(workspace.files.path):
                os.kill(server, signal.SIGKILL)
                until(lambda: processes.server_of(workspace.files.path) != server, "it is gone")
                machine.seen()  # machines start no server: whoever asks on its host does
        for run in runs:
            run.wait_for_completion()
            assert run.get_metrics()["n"] == list(range(10))
            assert "outputs/own" in run.get_file_names()
    ended = said.read_text().split()
    assert set(ended) == {run.id for run in runs}
    assert len(ended) - len(runs) <= 2, (
        "a script ends once, unless its runner was killed behind its last line"
    )


@pytest.mark.long
def test_an_environment_that_cannot_be_built_there_ends_the_run_with_the_nodes_name(
    machine: FarMachine, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path / "wheels", "other")
    machine.join()
    (machine.home / "archives").write_text("nobody can make a folder of it")
    run = submit(machine, tmp_path / "source", "print(1)", pip_packages=[str(wheel)])
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Failed"
    assert "The environment could not be built on the node shed" in str(run.refresh().error)
    assert machine.state == "idle", "the node goes on"
    machine.cluster.workspace.api.nodes.drain(machine.name, machine.cluster.name)
    assert machine.process is not None
    assert machine.process.wait(60) == 0
    assert machine.state == "away", "known at once"
    assert "leaving: shed was drained" in machine.log.read_text()


TOKEN = f"FAENA1-{'0' * 64}-{'a' * 48}"


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Where requests to connect are answered by nobody: more wait there than are taken."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"https://127.0.0.1:{full.getsockname()[1]}"


class TestJoining:
    """What keeps a machine from it is named at once."""

    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
        return tmp_path / "home"

    def test_an_address_that_nobody_has_and_a_token_that_is_none(self, machine: FarMachine) -> None:
        made = machine.cluster.join_token()
        with socket.socket() as bound:  # nobody listens at its port
            bound.bind(("127.0.0.1", 0))
            nobody = f"https://127.0.0.1:{bound.getsockname()[1]}"
            for url, token, said in (
                (nobody, made.token, f"The server at {nobody} does not answer"),
                (made.url, made.token[:-1] + "_", "The token is none of this workspace's, or has expired"),
                (made.url, made.token.replace(made.token.split("-")[1], "0" * 64), "fingerprint"),
                (made.url, "letmein", "no token that machines join with"),
                (made.url, "", "no token that machines join with"),
                (made.url.replace("https", "http"), made.token, "Give its address with https"),
                (f"{made.url}/nodes", made.token, "a host and a port with nothing behind them"),
            ):
                began = time.monotonic()
                with pytest.raises(FaenaError, match=said):
                    Runner(url, token, Told("shed")).run()
                assert time.monotonic() - began < 5
        assert machine.cluster.nodes() == []

    @pytest.mark.parametrize("loaded_for", [0.5, 3.0])
    def test_an_address_that_swallows_all_is_named_within_five_seconds(
        self, monkeypatch: pytest.MonkeyPatch, loaded_for: float
    ) -> None:
        monkeypatch.setattr(process_identity, "age", lambda: loaded_for)
        with black_hole() as url:
            began = time.monotonic()
            with pytest.raises(ServerUnreachable, match=r"does not answer \(timed out\)"):
                Runner(url, TOKEN, Told("shed")).run()
        assert time.monotonic() - began < 5 - loaded_for

    def test_another_version_is_told_with_both(
        self, machine: FarMachine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, request = machine.cluster.join_token(), Told.request
        monkeypatch.setattr(
            Told, "request", lambda told, left: {**request(told, left), "version": "9", "orders": 9}
        )
        with pytest.raises(ProtocolMismatch, match=rf"Faena 9 .*Faena {faena.__version__}"):
            Runner(made.url, made.token, Told("shed")).run()

    def test_a_second_runner_of_a_machine_is_refused(self, machine: FarMachine, home: Path) -> None:
        made = machine.cluster.join_token()
        known = Machine(made.url, "shed", "ws-1", made.token)
        known.keep()
        lock = known.hold()
        try:
            with pytest.raises(Conflict, match="A runner of the node 'shed' lives on this machine already"):
                Runner(made.url, made.token, Told("shed")).run()
        finally:
            os.close(lock)
        assert (known.folder / "machine.json").stat().st_mode & 0o777 == 0o600
        assert made.token not in repr(known)

    @pytest.mark.long
    def test_one_that_is_removed_says_so_and_ends_well(self, machine: FarMachine) -> None:
        machine.join()
        machine.cluster.workspace.api.nodes.remove(machine.name, machine.cluster.name)
        assert machine.process is not None
        assert machine.process.wait(60) == 0
        said = (
            f"leaving: The machine 'shed' of {machine.cluster.name!r} was removed from this workspace at 20"
        )
        assert said in machine.log.read_text()

    @pytest.mark.long
    def test_the_command_says_why_and_fails(self, machine: FarMachine, tmp_path: Path) -> None:
        done = piped(
            tmp_path, "node", "join", "https://127.0.0.1:9", "--gpus", "none", given={"FAENA_TOKEN": "x"}
        )
        assert done.returncode == 1
        assert done.stderr.startswith(b"That is no token that machines join with")
