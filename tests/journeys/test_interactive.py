"""Runs that a process of the user's own starts, writes and ends, seen from there and from outside."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter

from faena import Experiment, Workspace
from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.client.runs.run import Run
from faena.kernel.discovery import Rendezvous, is_held
from faena.kernel.errors import (
    Conflict,
    FaenaError,
    NotFound,
    RunEnvironmentException,
    ServerUnreachable,
    UserErrorException,
)
from faena.kernel.process_identity import Living
from faena.kernel.transport import Transport
from faena.node import follower
from faena.node.follower import watch
from faena.testing.kills import processes
from faena.testing.waiting import until


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def experiment(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """One of this test alone. This process works in an empty folder but for a script."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "notebook.py").write_text("print()")
    monkeypatch.chdir(folder)
    return Experiment(workspace, f"interactive-{secrets.token_hex(4)}")


@contextmanager
def another_process(experiment: Experiment, script: str) -> Iterator[tuple[subprocess.Popen[str], list[Run]]]:
    """A process that runs `script` with `experiment` at hand and says the ids of its runs, a line each.

    It begins once it has said `ready`, and goes on when it is sent a line.
    """
    head = f"""
        import os, sys
        from faena import Experiment, Workspace
        experiment = Experiment(Workspace({str(experiment.workspace.folder)!r}), {experiment.name!r})
        def ready(*runs):
            print(*(run.id for run in runs), flush=True)
            sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(script)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ids = process.stdout.readline().split()
        assert ids, "it has started its runs"
        yield process, [Run(experiment, run_id) for run_id in ids]
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()


def go_on(process: subprocess.Popen[str]) -> int:
    """Let the process go on to its end; its exit code."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.wait(120)


def ended(run: Run) -> str:
    """How. Within what time the death of a process is known is held against `make faults`."""
    return until(lambda: run.get_status() if run.refresh().ended_at else "", "the run has ended")


class TestLogging:
    def test_what_is_logged_is_there_when_it_is_asked_for(self, experiment: Experiment) -> None:
        run = experiment.start_logging(name="first try")
        assert (run.get_status(), run.type, run.name, run.number) == (
            "Running",
            "interactive",
            "first try",
            1,
        )
        run.log("accuracy", 0.5)
        run.log("accuracy", 0.75)
        run.log_list("list", [1, 2, 3])
        run.log_row("row", x=1, y=2.5)
        run.log_table("table", {"x": [1, 2]})
        assert run.get_metrics() == {
            "accuracy": [0.5, 0.75],
            "list": [1, 2, 3],
            "row": {"x": 1, "y": 2.5},
            "table": {"x": [1, 2]},
        }
        run.complete()
        assert run.get_status() == "Completed"
        assert run.get_details()["target"] == "sdk"

    def test_it_is_made_from_the_folder_that_it_was_started_in(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            archive = zipfile.ZipFile(run.restore_snapshot())
            assert archive.namelist() == ["notebook.py"]
            archive.close()
            Path(archive.filename or "").unlink()
        with experiment.start_logging(snapshot_directory=None) as bare:
            assert bare.get_snapshot_id() == ""
            assert bare.take_snapshot("notebook.py") == run.get_snapshot_id()

    def test_a_folder_that_nobody_meant_is_told(
        self, experiment: Experiment, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("notebook.py").unlink()
        with experiment.start_logging() as run:
            run.log("x", 1)
        assert "the run has no snapshot: The source folder" in capsys.readouterr().out
        assert run.get_status() == "Completed"

    def test_the_folder_of_outputs_is_there(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            Path("outputs/a.txt").write_text("a")
            with run.child_run(outputs="fold/one") as child:
                Path("fold/one/b.txt").write_text("b")
        assert run.get_file_names() == ["outputs/a.txt"]
        assert child.get_file_names() == ["one/b.txt"]

    def test_its_snapshot_may_be_taken_anew_while_it_lives(self, experiment: Experiment) -> None:
        run = experiment.start_logging()
        first = run.get_snapshot_id()
        Path("more.py").write_text("print(2)")
        second = run.take_snapshot(".")
        assert run.get_snapshot_id() == second != first
        assert run.get_properties()["ContentSnapshotId"] == second
        run.complete()
        Path("more.py").write_text("print(3)")
        with pytest.raises(Conflict, match="never changes"):
            run.take_snapshot(".")

    def test_a_notebook_shows_it(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            pass
        assert f"<td>{run.id}</td>" in run._repr_html_()
        assert f"<td>{experiment.name}</td>" in experiment._repr_html_()

    def test_outputs_are_kept_when_it_ends(self, experiment: Experiment) -> None:
        Path("outputs/deep").mkdir(parents=True)
        Path("outputs/deep/model.bin").write_text("m")
        Path("outputs/away").symlink_to("/etc/passwd")
        with experiment.start_logging() as run:
            assert run.get_file_names() == ["outputs/deep/model.bin"], "as they are now"
        assert run.get_file_names() == ["outputs/deep/model.bin"]
        assert "link out of" in run.refresh().notes[0].message
        assert Path("outputs/deep/model.bin").read_text() == "m", "the user's own file stays"
        model = run.register_model("deep", "outputs/deep")
        assert model.version == 1

    def test_after_its_end_its_own_handle_refuses_metrics_and_others_add_them(
        self, experiment: Experiment
    ) -> None:
        with experiment.start_logging() as run:
            run.log("loss", 3)
        for late in (run.log, run.log_list):
            with pytest.raises(UserErrorException, match=rf"Run {run.id} has ended"):
                late("loss", [1] if late == run.log_list else 1)
        later = Run(experiment, run.id)
        later.log("loss", 2)
        later.log("loss", 1.5, step=7)
        later.log_list("late", [1, 2])
        run.tag("quality", "good")
        assert run.get_metrics() == {"loss": [3, 2, 1.5], "late": [1, 2]}
        assert run.get_tags() == {"quality": "good"}

    def test_another_handle_logs_too(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            other = Run(experiment, run.id)
            other.log("x", 1)
            other.log("x", 2.5)
            run.log("x", 3)
        assert sorted(run.get_metrics()["x"]) == [1, 2.5, 3]

    def test_threads_log_at_once(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            threads = [
                threading.Thread(target=lambda: [run.log("n", number) for number in range(200)])
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(run.get_metrics()["n"]) == sorted(list(range(200)) * 4)


class TestEnds:
    def test_a_block_that_fails(self, experiment: Experiment) -> None:
        with pytest.raises(ValueError, match="no data"), experiment.start_logging() as run:
            run.log("x", 1)
            raise ValueError("no data")
        error = run.get_details()["error"]["error"]
        assert error["code"] == "reported"
        assert error["message"].startswith("ValueError: no data (")
        assert run.get_metrics() == {"x": 1}

    def test_leaving_a_block_in_good_order(self, experiment: Experiment) -> None:
        with experiment.start_logging() as run:
            sys.exit(0)
        assert run.get_status() == "Completed"

    def test_failing_by_hand(self, experiment: Experiment) -> None:
        run = experiment.start_logging()
        run.fail("the disk is on fire", error_code=451)
        run.complete()
        assert run.get_status() == "Failed", "the first end stands"
        assert run.get_details()["error"]["error"]["message"] == "451: the disk is on fire"

    def test_canceled_by_itself_and_by_others(self, experiment: Experiment) -> None:
        mine, others = experiment.start_logging(), experiment.start_logging()
        mine.cancel()
        assert mine.get_status() == "Canceled"
        others.log("x", 1)
        Run(experiment, others.id).cancel()
        assert ended(others) == "Canceled"
        assert others.get_metrics() == {"x": 1}

    @pytest.mark.long
    def test_a_killed_process_fails_its_runs_and_loses_nothing(self, experiment: Experiment) -> None:
        script = """
            run = experiment.start_logging(snapshot_directory=None)
            children = [run.child_run() for _ in range(3)]
            for number in range(1000):
                for each in (run, *children):
                    each.log("n", number)
            ready(run, *children)
        """
        with another_process(experiment, script) as (process, runs):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert [ended(run) for run in runs] == ["Failed"] * 4
        assert "without run.complete()" in runs[0].get_details()["error"]["error"]["message"]
        assert [run.get_metrics()["n"] for run in runs] == [list(range(1000))] * 4

    def test_a_process_that_ends_in_good_order_completes_them(self, experiment: Experiment) -> None:
        script = """
            run = experiment.start_logging(snapshot_directory=None)
            child = run.child_run()
            child.log("x", 1)
            ready(run, child)
        """
        with another_process(experiment, script) as (process, runs):
            assert go_on(process) == 0
            assert [run.get_status() for run in runs] == ["Completed", "Completed"]
        assert runs[1].get_metrics() == {"x": 1}
        assert [note.code for note in runs[0].refresh().notes] == ["left_open"]

    def test_an_error_that_ends_the_process_fails_them(self, experiment: Experiment) -> None:
        script = """
            run = experiment.start_logging(snapshot_directory=None)
            ready(run)
            {}["epochs"]
        """
        with another_process(experiment, script) as (process, [run]):
            assert go_on(process) == 1
            assert run.get_status() == "Failed"
        assert run.get_details()["error"]["error"]["message"].startswith("KeyError: 'epochs'")

    def test_a_forked_child_that_leaves_ends_nothing(self, experiment: Experiment) -> None:
        script = """
            run = experiment.start_logging(snapshot_directory=None)
            if os.fork() == 0:
                run.log("x", 2)
                sys.exit(0)
            os.wait()
            run.log("x", 1)
            ready(run)
        """
        with another_process(experiment, script) as (process, [run]):
            assert run.get_status() == "Running"
            assert go_on(process) == 0
        assert sorted(run.get_metrics()["x"]) == [1, 2]

    def test_only_who_started_it_completes_it(self, experiment: Experiment) -> None:
        with (
            experiment.start_logging() as run,
            pytest.raises(RunEnvironmentException, match="has started; run"),
        ):
            Run(experiment, run.id).complete()

    def test_others_may_say_that_it_failed(self, experiment: Experiment) -> None:
        run = experiment.start_logging()
        run.log("x", 1)
        Run(experiment, run.id).fail("wrong data", error_code=7)
        assert ended(run) == "Failed"
        assert run.get_details()["error"]["error"] == {"code": "reported", "message": "7: wrong data"}
        assert run.get_metrics() == {"x": 1}


class TestFollower:
    @pytest.fixture
    def workspace(self, own_workspace: Workspace) -> Workspace:
        """Its own: these stop the server, and count who follows."""
        return own_workspace

    def follower(self, workspace: Workspace, pid: int) -> Path:
        process = Living.of(pid)
        assert process is not None
        return Rendezvous(workspace.files.path).nodes / f"watch-{process.name}.lock"

    @pytest.mark.long
    def test_one_that_is_killed_is_replaced(self, workspace: Workspace, experiment: Experiment) -> None:
        script = """
            run = experiment.start_logging(snapshot_directory=None)
            run.log("x", 1)
            ready(run)
        """
        with another_process(experiment, script) as (process, [run]):
            lock = self.follower(workspace, process.pid)
            until(lambda: is_held(lock), "somebody follows the process")
            words = ["watch", str(workspace.files.path)]
            # It has the lock from the one that starts it: before it has a command line of its own.
            [follower] = until(
                lambda: processes.commanded(
                    lambda said: said[4:6] == words and said[6].startswith(f"process-{process.pid}-")
                ),
                "it is on its way",
            )
            os.kill(follower, signal.SIGKILL)
            until(lambda: not is_held(lock), "it is dead")
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert ended(run) == "Failed"
        assert run.get_metrics() == {"x": 1}

    def test_it_leaves_when_it_has_nothing_to_follow(
        self, workspace: Workspace, experiment: Experiment
    ) -> None:
        run = experiment.start_logging(snapshot_directory=None)
        lock = self.follower(workspace, os.getpid())
        until(lambda: is_held(lock), "somebody follows this process")
        run.complete()
        until(lambda: not is_held(lock), "nobody does any more")
        with experiment.start_logging(snapshot_directory=None):
            until(lambda: is_held(lock), "somebody does again")

    def test_it_brings_no_server_back_to_hear_that_nothing_is_left(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace.api.stop()
        rendezvous = Rendezvous(workspace.files.path)
        until(lambda: not is_held(rendezvous.election), "the server has left")
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as gone:
            process = Living.of(gone.pid)
        assert process is not None
        monkeypatch.setattr(Rendezvous, "start_server", lambda _: pytest.fail("a server was brought back"))
        watch(process.name, ServerApi(Transport(workspace.files.path)))
        monkeypatch.undo()

    def test_nor_for_a_run_that_ended_while_it_asked(
        self, workspace: Workspace, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        process = Living.of(os.getpid())
        assert process is not None
        run = experiment.start_logging(snapshot_directory=None, outputs=None)
        api = ServerApi(Transport(workspace.files.path))
        watching = follower._Watch(process.name, api)
        assert watching._ask(), "it has work"
        ask, asked = api.open_attempts, list[bool]()

        def ask_late(process: str, *, bring_back: bool = True) -> list[tuple[Path, bool]]:
            asked.append(bring_back)
            if len(asked) == 1:
                run.complete()
                workspace.api.stop()
                until(lambda: not is_held(Rendezvous(workspace.files.path).election), "the server has left")
                monkeypatch.setattr(Rendezvous, "start_server", lambda _: pytest.fail("it was brought back"))
            return ask(process, bring_back=bring_back)

        monkeypatch.setattr(api, "open_attempts", ask_late)
        assert not watching._ask()
        with pytest.raises(ServerUnreachable):
            api.ship(AttemptKey(run.id, 1, 0), [], patience=0.0)
        monkeypatch.undo()

    @pytest.mark.long
    def test_a_new_server_goes_on_with_it(self, workspace: Workspace, experiment: Experiment) -> None:
        run = experiment.start_logging(snapshot_directory=None)
        run.log("x", 1)
        first = processes.server_of(workspace.files.path)
        workspace.api.stop()  # the follower may bring the next one before anybody sees that there is none
        until(lambda: processes.server_of(workspace.files.path) != first, "the server has left")
        run.log("x", 2)
        assert run.get_metrics() == {"x": [1, 2]}
        run.complete()
        assert run.get_status() == "Completed"

    def test_it_brings_no_server_back_for_nothing(self, workspace: Workspace, experiment: Experiment) -> None:
        run = experiment.start_logging(snapshot_directory=None)
        lock = self.follower(workspace, os.getpid())
        run.log("x", 1)
        other = Run(experiment, run.id)
        until(other.get_metrics, "the follower has brought what was logged")
        election = Rendezvous(workspace.files.path).election
        run.complete()
        workspace.api.stop()
        until(lambda: not is_held(election), "the server has left")
        until(lambda: not is_held(lock), "the follower has left")
        assert not is_held(election)


class TestRefused:
    def test_ids_that_cannot_be(self, experiment: Experiment) -> None:
        for run_id in ("../x", "a b", "x" * 301):
            with pytest.raises(UserErrorException, match="not a valid run id"):
                experiment.start_logging(run_id=run_id)

    @pytest.fixture
    def empty(self, own_workspace: Workspace, experiment: Experiment) -> Experiment:
        """In a workspace that nobody has started a run in; `experiment` gives the folder to work in."""
        return Experiment(own_workspace, experiment.name)

    def test_names_that_cannot_be(self, empty: Experiment) -> None:
        for name in ("a\nb", "x" * 256):
            with pytest.raises(UserErrorException, match="cannot be the name of a run"):
                empty.start_logging(name=name)
        assert list(empty.get_runs()) == []
        assert list(empty.workspace.files.attempts.glob("*")) == [], "no folder is left of them"

    def test_outputs_that_cannot_be(self, experiment: Experiment) -> None:
        for outputs in ("/", "/tmp/..", "x\0y", "notebook.py"):
            with pytest.raises(UserErrorException, match="outputs is"):
                experiment.start_logging(outputs=outputs, snapshot_directory=None)

    def test_requests_that_cannot_be(self, empty: Experiment) -> None:
        api = empty.workspace.api
        alive = Living.of(os.getpid())
        assert alive is not None
        one = {"id": "x", "experiment": "e"}

        def refused(runs: list[dict[str, object]], message: str, pid: int, started: int) -> None:
            asked = {"process": {"pid": pid, "started": started}, "runs": runs}
            with pytest.raises(FaenaError, match=message):
                api.transport.json("POST", "/runs", asked)

        for pid in (2**22 + 1, os.getpid(), -1):
            refused([dict(one)], "There is no process", pid, 5)
        for runs, message in (
            ([], "0 runs"),
            ([one] * 2, "given twice"),
            ([{**one, "id": f"x{number}"} for number in range(1001)], "1001 runs"),
            ([{**one, "tags": {"": "v"}}], "key of a tag"),
            ([one, {**one, "id": "y", "parent": "nobody"}], "no run 'nobody'"),
            ([{**one, "experiment": "e\n"}], "experiment name"),
            ([{**one, "snapshot": "0" * 64}], "no snapshot"),
        ):
            refused([dict(run) for run in runs], message, alive.pid, alive.started)
        assert api.runs() == []
        assert list(empty.workspace.files.attempts.glob("*")) == []

    def test_an_id_that_is_taken(self, experiment: Experiment) -> None:
        with experiment.start_logging(run_id="mine", snapshot_directory=None) as run:
            run.log("x", 1)
        with pytest.raises(Conflict):
            Experiment(run.experiment.workspace, "another").start_logging(run_id="mine")
        with pytest.raises(NotFound):
            Run(Experiment(run.experiment.workspace, "another"), "mine")


def test_event_files_beside_its_outputs_are_metrics_of_the_run_that_was_open(experiment: Experiment) -> None:
    with SummaryWriter("logs/earlier") as writer:
        writer.add_scalar("loss", 9.0, 0)
    with experiment.start_logging(snapshot_directory=None) as run, SummaryWriter("logs/train") as writer:
        writer.add_scalar("loss", 0.5, 3)
        until(lambda: writer.flush() or run.get_metrics() == {"train/loss": 0.5}, "it is a metric")
        with run.child_run() as child:
            writer.add_scalar("loss", 0.25, 4)
    assert run.get_metrics() == {"train/loss": [0.5, 0.25]}
    assert child.get_metrics() == {}
    assert [name.rpartition("/")[0] for name in run.get_file_names()] == ["logs/train"]
