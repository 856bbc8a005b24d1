"""TensorBoard over runs' event files, by a program that stands for the real one."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from azureml.contrib.tensorboard import Tensorboard as OlderName
from azureml.contrib.tensorboard.export import export_to_tensorboard as older_export
from azureml.tensorboard import Tensorboard
from azureml.tensorboard.export import export_to_tensorboard

from faena import Experiment, Workspace
from faena.client.runs.run import Run
from faena.client.tensorboard.copies import Copies
from faena.kernel.errors import ServiceException, UserErrorException

PROGRAM = """#!{python}
import http.server, os, sys
logdir, host, port = sys.argv[2], sys.argv[4], int(sys.argv[6])
open(logdir + "/pid", "w").write(str(os.getpid()))
http.server.test(http.server.SimpleHTTPRequestHandler, port=port, bind=host)
"""


@pytest.fixture
def run(common_workspace: Workspace, tmp_path: Path) -> Iterator[Run]:
    events = tmp_path / "events"
    events.write_bytes(b"event")
    with Experiment(common_workspace, "board").start_logging(snapshot_directory=None, outputs=None) as run:
        run.upload_file("logs/a/events.out.tfevents.1.host", events)
        run.upload_file("logs/other.txt", events)
        run.log("loss", 0.5, step=3)
        yield run


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin/tensorboard"
    path.parent.mkdir()
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
    return path


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_it_shows_copies_until_it_is_stopped(run: Run, program: Path) -> None:
    board = Tensorboard([run], port=0)
    address = board.start()
    assert address.startswith("http://127.0.0.1:")
    assert board.start() == address, "it runs already"
    assert urlopen(address, timeout=60).status == 200
    root = Path(board.local_root or "")
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert found == {"pid", f"{run.id}/logs/a/events.out.tfevents.1.host"}
    pid = int((root / "pid").read_text())
    board.stop()
    board.stop()
    assert not is_there(pid)
    assert not root.exists()


def test_a_folder_that_was_given_stays(run: Run, program: Path, tmp_path: Path) -> None:
    board = OlderName(run, local_root=tmp_path / "board", port=0)
    board.start()
    board.stop()
    assert (tmp_path / "board" / run.id / "logs/a/events.out.tfevents.1.host").read_bytes() == b"event"


def test_what_grows_is_appended_to(run: Run, tmp_path: Path) -> None:
    copies = Copies([run], tmp_path / "board")
    (target := tmp_path / "board" / run.id / "logs/a/events.out.tfevents.1.host").parent.mkdir(parents=True)
    target.write_bytes(b"ev")
    with target.open("rb") as follower:
        assert copies.update(), "it goes on"
        assert follower.read() == b"event"


def test_one_that_does_not_start_is_told_with_what_it_said(run: Run, program: Path) -> None:
    program.write_text(f"#!{sys.executable}\nraise SystemExit('no such thing')")
    with pytest.raises(ServiceException, match=r"did not start\. It said:\nno such thing"):
        Tensorboard(run, port=0).start()


def test_what_it_needs_is_named(run: Run, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserErrorException, match=f"Port {port} cannot be used"):
            Tensorboard(run, port=port).start()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UserErrorException, match="pip install tensorboard"):
        Tensorboard(run).start()
    with pytest.raises(UserErrorException, match="port is '6006'"):
        Tensorboard(run, port="6006")  # type: ignore[arg-type]  # a user's mistake
    with pytest.raises(UserErrorException, match="'run_1' is no run"):
        Tensorboard("run_1")


def test_metrics_are_exported_as_event_files(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert older_export is export_to_tensorboard
    with caplog.at_level(logging.INFO):
        folder = export_to_tensorboard(run, tmp_path / "exported", logging.getLogger("board"))
    assert folder == str(tmp_path / "exported")
    (written,) = (tmp_path / "exported" / run.id).iterdir()
    assert "tfevents" in written.name
    assert run.id in caplog.text
