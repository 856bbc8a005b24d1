"""How runs end: the state is the truth of the process, the error tells it."""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.runs.run import Run
from faena.kernel.errors import ActivityFailedException
from faena.testing.waiting import until
from tests.journeys.scripts import Project

SLEEPER = """
import time
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def own_project(workspace: Workspace, tmp_path: Path) -> Project:
    """On a cluster of its own, for who counts nodes."""
    return Project(workspace, tmp_path / "source", f"own-{secrets.token_hex(4)}")


def started(run: Run) -> None:
    until(lambda: run.get_status() == "Running", "the script runs")


def test_a_script_that_ends_well_completes_with_its_phases_in_order(project: Project) -> None:
    run = project.run("print('hello')")
    details = run.get_details()
    assert details["status"] == "Completed"
    names = [phase["name"] for phase in details["phases"]]
    assert names == ["NotStarted", "Preparing", "Queued", "Starting", "Running", "Finalizing"]
    assert all(phase["seconds"] >= 0 for phase in details["phases"])


def test_an_exit_code_is_told_with_the_last_lines(project: Project) -> None:
    run = project.submit("""
        for number in range(60):
            print("line", number)
        print(*(f"{percent} %" for percent in range(101)), sep="\\r")
        raise SystemExit(7)
    """)
    with pytest.raises(ActivityFailedException, match="exit code 7") as caught:
        run.wait_for_completion()
    assert "line 59" in caught.value.message
    assert "line 9\n" not in caught.value.message
    error = run.refresh().error
    assert error is not None
    assert (error.reason, error.exit_code, len(error.last_lines)) == ("exit_code", 7, 50)
    assert error.last_lines[-1] == "100 %", "a progress bar is one line"


def test_a_traceback_is_in_the_error(project: Project) -> None:
    run = project.run("import nowhere_to_be_found")
    error = run.refresh().error
    assert error is not None
    assert error.last_lines[-1] == "ModuleNotFoundError: No module named 'nowhere_to_be_found'"


def test_a_signal_is_told_apart_from_an_exit_code(project: Project) -> None:
    run = project.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    error = run.refresh().error
    assert error is not None
    assert (error.reason, error.signal, error.exit_code) == ("signal", signal.SIGSEGV, None)
    assert "SIGSEGV" in error.message


def test_a_killed_script_is_known_soon(project: Project, tmp_path: Path) -> None:
    run = project.submit(f"""
        import os, time
        open({str(tmp_path / "pid")!r} + ".new", "w").write(str(os.getpid()))
        os.rename({str(tmp_path / "pid")!r} + ".new", {str(tmp_path / "pid")!r})
        time.sleep(600)
    """)
    pid = int(
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the script runs")
    )
    os.kill(pid, signal.SIGKILL)
    # other tests have the cores, too: the budget of 5 s is held against `make faults`
    until(lambda: run.get_status() == "Failed", "the run has failed")
    assert run.refresh().error.reason == "signal"  # type: ignore[union-attr]  # a failed run has one


def test_outputs_are_kept_when_the_script_fails(project: Project, tmp_path: Path) -> None:
    run = project.run("""
        open("outputs/half.txt", "w").write("half")
        raise SystemExit(1)
    """)
    run.download_file("outputs/half.txt", tmp_path / "got.txt")
    assert (tmp_path / "got.txt").read_text() == "half"


def test_outputs_and_logs_exist_when_the_script_starts(project: Project) -> None:
    run = project.run("import os; print(sorted(os.listdir('.')))")
    assert run.get_status() == "Completed"
    assert "['logs', 'outputs', 'train.py']" in log_of(run)


def test_what_runs_too_long_is_stopped_and_says_so(project: Project) -> None:
    run = project.run(SLEEPER, max_run_duration_seconds=0.5)
    error = run.refresh().error
    assert error is not None
    assert error.reason == "time_limit"
    assert "max_run_duration_seconds=0.5" in error.message


def test_no_child_of_the_script_outlives_the_run(project: Project, tmp_path: Path) -> None:
    run = project.run(f"""
        import subprocess, sys
        code = "import os, time; os.setsid(); "
        code += "open('{tmp_path / "new"}', 'w').write(str(os.getpid())); "
        code += "os.rename('{tmp_path / "new"}', '{tmp_path / "pid"}'); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", code])
        import os, time
        while not os.path.exists({str(tmp_path / "pid")!r}):
            time.sleep(0.01)
    """)
    assert run.get_status() == "Completed"
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


class TestCancel:
    def test_while_it_runs_keeps_what_it_wrote(self, project: Project) -> None:
        run = project.submit("""
            import time
            open("outputs/half.txt", "w").write("half")
            print("started", flush=True)
            time.sleep(600)
        """)
        started(run)
        until(lambda: "started" in log_of(run), "the line is there")
        run.cancel()
        run.wait_for_completion()
        assert run.get_status() == "Canceled"
        assert "outputs/half.txt" in run.get_file_names()

    def test_a_script_that_does_not_listen_is_killed_after_its_grace(self, project: Project) -> None:
        run = project.submit(
            """
            import signal, time
            signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
            print("started", flush=True)
            while True:
                time.sleep(600)
            """,
            grace_seconds=2.5,
        )
        until(lambda: "started" in log_of(run), "the line is there")
        run.cancel()
        run.wait_for_completion()
        assert run.get_status() == "Canceled"
        assert "asked" in log_of(run)
        [note] = [note for note in run.refresh().notes if note.code == "killed_after_grace"]
        assert "had not ended 2.5 s after SIGTERM and was killed" in note.message

    def test_one_that_listens_is_not(self, project: Project) -> None:
        run = project.submit(
            """
            import signal, sys, time
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            print("started", flush=True)
            time.sleep(600)
            """,
            max_run_duration_seconds=0.5,
            grace_seconds=20,
        )
        run.wait_for_completion(raise_on_error=False)
        assert [note.code for note in run.refresh().notes] == []

    def test_while_it_waits_in_the_queue(self, own_project: Project) -> None:
        first = own_project.submit(SLEEPER, node_count=2)
        started(first)
        second = own_project.submit(SLEEPER)
        busy = f"2 of 2 nodes of '{own_project.cluster.name}' are busy (0 of 1 free)"
        until(lambda: second.refresh().blocker == busy, "the blocker is named")
        second.cancel()
        assert second.get_status() == "Canceled"
        first.cancel()

    def test_while_its_environment_is_made(self, project: Project) -> None:
        run = project.submit("print(1)", pip_packages=["iniconfig==2.0.0"], python=">=3.9")
        run.cancel()
        run.wait_for_completion()
        assert run.get_status() in ("Canceled", "Completed")

    def test_a_second_time_or_after_the_end_changes_nothing(self, project: Project) -> None:
        run = project.run("print(1)")
        run.cancel()
        assert run.get_status() == "Completed"


def log_of(run: Run) -> str:
    names = [name for name in run.get_file_names() if "70_driver_log" in name]
    if not names:
        return ""
    with run.experiment.workspace.api.open_file(run.id, names[0]) as parts:
        return b"".join(parts).decode()


def test_a_run_that_somebody_calls_failed_is_stopped(project: Project) -> None:
    run = project.submit("import time; print('begun', flush=True); time.sleep(600)")
    until(lambda: run.get_status() == "Running", "the script runs")
    run.fail("the loss is NaN")
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Failed"
    error = run.get_details()["error"]["error"]
    assert error["code"] == "reported"
    assert error["message"].startswith("the loss is NaN")
    run.fail("again")
    assert run.get_details()["error"]["error"] == error, "the first end stands"


@pytest.mark.long
def test_a_run_that_is_called_failed_before_it_starts(own_project: Project) -> None:
    blocker = own_project.submit("import time; time.sleep(600)", node_count=2)
    until(lambda: blocker.get_status() == "Running", "all nodes are taken")
    run = own_project.submit("print()")
    run.fail()
    assert run.get_status() == "Failed"
    assert run.get_details()["error"]["error"]["message"] == "The run was reported as failed."
    blocker.cancel()
