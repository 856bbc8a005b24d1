"""The server comes by itself, one however many ask, adopts what runs, and leaves when idle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faena import Cluster, Workspace
from faena.kernel.discovery import Rendezvous, is_held
from faena.kernel.errors import ComputeTargetException, ServiceException
from faena.testing.kills import processes
from faena.testing.waiting import until
from tests.examples import long_form
from tests.journeys.scripts import Project

really_started = pytest.mark.usefixtures("real_starts")
OPEN = "import sys; from faena import Workspace; print(Workspace(sys.argv[1]).api.workspace().id)"


def module_pids(workspace: Workspace, module: str) -> list[int]:
    """Processes of this workspace that run a module of Faena's own."""
    folder = str(workspace.files.path)
    return processes.commanded(lambda words: words[2:4] == ["-m", module] and folder in words)


@pytest.mark.long
@really_started
def test_many_who_ask_at_once_get_one_server(workspace: Workspace) -> None:
    command = [sys.executable, "-W", "error", "-c", OPEN, str(workspace.folder)]
    asking = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)
    ]
    said = [process.communicate(timeout=200) for process in asking]
    assert {out.strip() for out, _ in said} == {workspace.id}
    assert not any("is still running" in err for _, err in said), (
        "a server is meant to outlive who started it"
    )
    until(lambda: len(module_pids(workspace, "faena.server")) == 1, "one server is left")


@pytest.mark.long
@really_started
def test_a_killed_server_is_replaced_and_the_run_goes_on(project: Project) -> None:
    run = project.submit("""
        import time
        from faena import Run
        run = Run.get_context()
        for number in range(40):
            run.log("n", number)
            print(number)
            time.sleep(0.05)
    """)
    until(lambda: run.get_status() == "Running", "the script runs")
    (pid,) = module_pids(project.workspace, "faena.server")
    os.kill(pid, signal.SIGKILL)
    run.wait_for_completion()
    assert run.get_metrics() == {"n": list(range(40))}


@pytest.mark.long
@pytest.mark.parametrize("victim", ["script", long_form("runner")])
def test_what_ended_while_no_server_was_up_is_known_before_the_first_answer(
    project: Project, victim: str
) -> None:
    run = project.submit(
        """
        import os, time
        from faena import Run
        Run.get_context().tag("pid", os.getpid())
        time.sleep(600)
    """,
    )
    script = int(until(lambda: run.get_tags().get("pid", ""), "the script runs"))
    (server,) = module_pids(project.workspace, "faena.server")
    (runner,) = module_pids(project.workspace, "faena.node")
    os.kill(server, signal.SIGKILL)
    os.kill({"script": script, "runner": runner}[victim], signal.SIGKILL)
    began = time.monotonic()
    known = run.get_status() in ("Finalizing", "Failed")
    assert known or time.monotonic() - began > 5, "the answer waits so long for who tells of it"
    until(lambda: run.get_status() == "Failed", "it is known")


@pytest.mark.long
@really_started
def test_it_leaves_when_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_SERVER_IDLE_SECONDS", "0.2")
    workspace = Workspace.create("idle", tmp_path)
    workspace.api.version()
    until(lambda: not is_held(Rendezvous(workspace.files.path).election), "the server has left")
    assert not Rendezvous(workspace.files.path).socket.exists()


@pytest.mark.long
def test_what_is_submitted_while_a_server_leaves_is_run_though_nobody_asks_for_a_server_again(
    project: Project, tmp_path: Path
) -> None:
    workspace, done = project.workspace, tmp_path / "done"
    Cluster.create(workspace, "kept", max_nodes=1, min_nodes=1).wait_for_completion()
    (node,) = until(lambda: module_pids(workspace, "faena.node"), "a node is there")
    (first,) = module_pids(workspace, "faena.server")
    os.kill(node, signal.SIGSTOP)  # the server waits for it to leave
    try:
        workspace.api.stop()
        log = workspace.files.path / "server.log"
        until(lambda: "leaving" in log.read_text(), "the server leaves")
        project.submit(f"open({str(done)!r}, 'w')")
        assert module_pids(workspace, "faena.server") == [first], "it was accepted by the one that leaves"
    finally:
        os.kill(node, signal.SIGCONT)
    until(done.exists, "the script has run")
    assert first not in module_pids(workspace, "faena.server")


@pytest.mark.long
def test_a_server_that_cannot_write_any_more_leaves_and_says_why(workspace: Workspace) -> None:
    code = """
import sys
from faena.kernel.commit_record import CommitRecord
from faena.server.__main__ import main
good = CommitRecord.acknowledge
def acknowledge(record, commits):
    if commits > 5:
        raise ZeroDivisionError("nobody foresaw this")
    good(record, commits)
CommitRecord.acknowledge = acknowledge
main()
"""
    command = [sys.executable, "-c", code, str(workspace.files.path)]
    broken = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    rendezvous = Rendezvous(workspace.files.path)
    until(lambda: is_held(rendezvous.election), "it is the server")
    for number in range(10):  # the first are answered by it, the others by its successor
        try:
            Cluster.create(workspace, f"c{number}", max_nodes=1)
        except ServiceException as error:
            assert "ZeroDivisionError" in str(error)
    assert broken.wait(120) == 1
    assert (
        "it cannot do its work any more: The server cannot write to its database"
        in broken.communicate()[0:2][1]
    )
    assert len(Cluster.list(workspace)) == 10


class TestNodes:
    @really_started
    def test_come_when_a_run_waits_and_leave_when_idle(self, project: Project, workspace: Workspace) -> None:
        cluster = Cluster.create(workspace, "short", max_nodes=2, idle_seconds_before_scaledown=0.2)
        assert cluster.get_status().current_node_count == 0
        project.cluster = cluster
        project.run("print(1)")
        until(lambda: cluster.get_status().current_node_count == 0, "the node has left")

    @pytest.mark.long
    def test_the_minimum_is_there_and_stays(self, workspace: Workspace) -> None:
        cluster = Cluster.create(workspace, "kept", max_nodes=2, min_nodes=1, idle_seconds_before_scaledown=0)
        cluster.wait_for_completion()
        assert cluster.get_status().current_node_count == 1
        until(lambda: cluster.get_status().serialize()["nodeStateCounts"]["idleNodeCount"] == 1, "it idles")
        cluster.delete()  # whose idle node leaves for it
        with pytest.raises(ComputeTargetException, match="kept"):
            Cluster(workspace, "kept")

    def test_the_status_has_the_keys_of_v1_in_their_order(self, workspace: Workspace) -> None:
        status = Cluster.create(workspace, "c", max_nodes=4).get_status().serialize()
        assert list(status) == [
            "currentNodeCount",
            "targetNodeCount",
            "nodeStateCounts",
            "allocationState",
            "allocationStateTransitionTime",
            "errors",
            "creationTime",
            "modifiedTime",
            "provisioningState",
            "provisioningStateTransitionTime",
            "scaleSettings",
            "vmPriority",
            "vmSize",
        ]
        assert list(status["nodeStateCounts"]) == [
            "preparingNodeCount",
            "runningNodeCount",
            "idleNodeCount",
            "unusableNodeCount",
            "leavingNodeCount",
            "preemptedNodeCount",
        ]
        assert status["scaleSettings"] == {
            "minNodeCount": 0,
            "maxNodeCount": 4,
            "nodeIdleTimeBeforeScaleDown": "PT120S",
        }


@pytest.mark.long
def test_ctrl_c_leaves_the_run_running_and_says_so(project: Project, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    run = project.submit(f"""
        import os, time
        print("started", flush=True)
        while not os.path.exists({str(go_on)!r}):
            time.sleep(0.02)
    """)
    code = """
import signal, sys
from faena import Workspace
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background ignore it
Workspace(sys.argv[1]).get_run(sys.argv[2]).wait_for_completion(show_output=True)
"""
    command = [sys.executable, "-u", "-c", code, str(project.workspace.folder), run.id]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    for line in watching.stdout:
        if line == "started\n":
            break
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=120)
    assert "still executing on cpu" in errors
    until(lambda: run.get_status() == "Running", "it runs, and the server has heard of it")
    go_on.touch()
    run.wait_for_completion()
    assert run.get_status() == "Completed"
