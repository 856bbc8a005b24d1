"""After a power cut: every process is gone, and small files are empty, zeros, cut short or not there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.records import PROCESS_ORDER, UnreadableRecord
from faena.client.runs.run import Run
from faena.kernel.discovery import is_held
from faena.runs.schemas import RunView
from faena.testing.kills import processes
from faena.testing.waiting import until
from tests.faults.absence import no_server
from tests.journeys.scripts import Project


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def other(path: Path) -> None:
    path.write_text("[1, 2]")


def another_type(path: Path) -> None:
    path.write_text('{"run_id": 7}')


DAMAGE = (empty, zeros, cut, other, another_type)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_named(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    write_record(tmp_path, "order", {"run_id": "r", "attempt": 1, "rank": 0, "node_count": 1, "outputs": ""})
    folder = AttemptFolder(tmp_path)
    assert folder.order(PROCESS_ORDER)["run_id"] == "r"
    damage(tmp_path / "order.json")
    with pytest.raises(UnreadableRecord) as told:
        folder.order(PROCESS_ORDER)
    assert str(told.value).startswith(f"{tmp_path / 'order.json'} cannot be read: ")


@pytest.mark.long
def test_every_run_ends_truly(own_workspace: Workspace, tmp_path: Path) -> None:
    experiment = Experiment(own_workspace, "power")
    script = f"""
        import sys
        from faena import Experiment, Workspace
        experiment = Experiment(Workspace({str(own_workspace.folder)!r}), "power")
        runs = [experiment.start_logging(snapshot_directory=None, outputs=None) for _ in range({len(DAMAGE) + 2})]
        for run in runs:
            run.log("x", 1)
            run.flush()
        print(*(run.id for run in runs), flush=True)
        sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        *damaged, half_ended, gone = process.stdout.readline().split()
        project = Project(own_workspace, tmp_path / "source")
        long = "import time; print('begun', flush=True); time.sleep(600)"
        without_order, without_end = project.submit(long), project.submit(long)
        for run in (without_order, without_end):
            until(lambda run=run: run.get_status() == "Running", "it runs")  # type: ignore[misc]  # mypy infers no lambda with defaults
        attempts = own_workspace.files.path / "attempts"
        with no_server(own_workspace.files.path):
            for runner in processes.runners_of(own_workspace.files.path):
                os.kill(runner, signal.SIGKILL)
            process.kill()
            process.wait()
            for run in (without_order, without_end):
                until(lambda run=run: not processes.of_run(run.id), "its script is gone")  # type: ignore[misc]  # mypy infers no lambda with defaults
                guard = AttemptFolder(attempts / run.id / "1" / "0").guard_lock
                until(lambda guard=guard: not is_held(guard), "so is its guard")  # type: ignore[misc]  # as above
            for damage, run_id in zip(DAMAGE, damaged, strict=True):
                damage(attempts / run_id / "1" / "0" / "order.json")
            empty(attempts / half_ended / "1" / "0" / "end.json")
            shutil.rmtree(attempts / gone)
            for name in ("order", "start"):
                empty(attempts / without_order.id / "1" / "0" / f"{name}.json")
            empty(attempts / without_end.id / "1" / "0" / "end.json")
            order = attempts / without_end.id / "1" / "0" / "order.json"
            order.write_text(json.dumps({**json.loads(order.read_text()), "boot": "an earlier one"}))

    def all_ended() -> bool:
        return all(Run(experiment, run_id).refresh().ended_at for run_id in (*damaged, half_ended, gone))

    until(all_ended, "the runs of the process have ended")
    for run_id in damaged:
        view = Run(experiment, run_id).refresh()
        assert (view.status, view.error and view.error.reason) == ("Failed", "process_ended")
        assert f"{attempts / run_id / '1' / '0' / 'order.json'} cannot be read" in _notes(view)
        assert Run(experiment, run_id).get_metrics() == {"x": 1}
    view = Run(experiment, half_ended).refresh()
    assert (view.status, view.error and view.error.reason) == ("Failed", "process_ended")
    assert "end.json cannot be read: it is empty" in _notes(view)
    view = Run(experiment, gone).refresh()
    assert view.status == "Failed"
    assert view.error is not None
    assert f"{attempts / gone / '1' / '0'} is gone" in view.error.message

    until(lambda: without_order.refresh().ended_at, "the first script's run has ended")
    until(lambda: without_end.refresh().ended_at, "the second's has, too")
    first, second = without_order.refresh(), without_end.refresh()
    assert (first.status, second.status) == ("Failed", "Failed")
    assert "order.json cannot be read: it is empty" in _notes(first)
    assert "start.json cannot be read: it is empty" in _notes(first)
    assert second.error is not None
    assert "end.json cannot be read: it is empty" in second.error.message
    assert "The machine was started anew" in _notes(second)
    assert "started anew" not in _notes(first), "nobody knows"
    until(lambda: not list(attempts.iterdir()), "their folders are gone")


def _notes(view: RunView) -> str:
    return " ".join(note.message for note in view.notes)
