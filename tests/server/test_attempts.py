"""What a hostile or broken runner may send about an attempt that is there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.runs.run import Run
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import FaenaError, NotFound, UserErrorException
from faena.testing.waiting import until
from tests.journeys.scripts import Project


@pytest.fixture(scope="module")
def running(common_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The same for all: each test finds it running after those before it."""
    project = Project(common_workspace, tmp_path_factory.mktemp("running"))
    run = project.submit("import time; print('here', flush=True); time.sleep(600)")
    until(lambda: run.get_status() == "Running", "the script runs")
    yield run
    run.cancel()


def ship(run: Run, head: bytes, body: bytes = b"") -> dict[str, int]:
    batch = len(head).to_bytes(4, "little") + head + body
    answer = run.experiment.workspace.api.transport.request("POST", f"/attempts/{run.id}/1/0/ship", batch)
    found: dict[str, int] = json.loads(answer.data)["offsets"]
    return found


def test_a_batch_that_makes_no_sense_changes_nothing(running: Run) -> None:
    logs = {"azureml-logs/20_image_build_log.txt", "azureml-logs/70_driver_log.txt"}
    hostile = ["log/../x", "log//etc/x", "log/", "log/a\0b", "log/a\nb", "log/..\\x", "nowhere/x", "log/C:/x"]
    hostile += ["", "log/" + "x" * 2000, "spool/../../x"]
    for stream in hostile:
        with pytest.raises(UserErrorException):
            ship(running, json.dumps({"segments": [[stream, 0, 1]]}).encode(), b"x")
    for head in (
        b"",
        b"[" * 100_000,
        b"\xff",
        b'{"segments": [["log/x", 0, -1]]}',
        b'{"segments": [["log/x", 0, 5]]}',
        b'{"segments": [["log/x", 0, 1e400]]}',
        b'{"segments": [["log/x", 0]]}',
    ):
        with pytest.raises(FaenaError) as refused:
            ship(running, head, b"x")
        assert refused.value.status < 500, refused.value.message
    for file in ("../x", "/etc/x", "a/../../x", "a\0b", ""):
        with pytest.raises(UserErrorException):
            running.experiment.workspace.api.transport.json(
                "POST",
                f"/attempts/{running.id}/1/0/files",
                {"files": [{"name": file, "path": "/etc/hostname"}]},
            )
    assert set(running.get_file_names()) <= logs
    assert running.get_status() == "Running"


def test_a_batch_beyond_the_end_of_a_log_leaves_no_gap(running: Run) -> None:
    for offset in (1, 2**63 - 1, 2**63):
        head = json.dumps({"segments": [["log/new", offset, 1]]}).encode()
        assert ship(running, head, b"x") == {"log/new": 0}


def test_an_attempt_that_is_not_there_is_named(running: Run) -> None:
    transport = running.experiment.workspace.api.transport
    for attempt, rank in ((2, 0), (1, 1), (-1, 0), (2**62, 0)):
        with pytest.raises(NotFound, match=f"attempt {attempt} .rank {rank}."):
            transport.json("PUT", f"/attempts/{running.id}/{attempt}/{rank}/started", {"at": 1})


def test_who_hangs_up_while_following_harms_nobody(running: Run) -> None:
    workspace = running.experiment.workspace
    for _ in range(20):
        with Rendezvous(workspace.files.path).connect(60) as connection:
            connection.sendall(f"GET /runs/{running.id}/follow HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert connection.recv(10).startswith(b"HTTP/1.1 2")
    assert workspace.api.version().wire == 1
    assert running.get_status() == "Running"


class TestSignals:
    def signals(self, run: Run, wait: float) -> dict[str, bool]:
        transport = run.experiment.workspace.api.transport
        found: dict[str, bool] = transport.json("GET", f"/attempts/{run.id}/1/0/signals?wait={wait:g}")
        return {name: found[name] for name in ("cancel", "watched", "points")}

    def until_unwatched(self, run: Run) -> None:
        """Those who followed before have left, and the server has heard of it."""
        until(lambda: not any(self.signals(run, 0).values()), "nobody watches")

    def test_are_held_for_so_long_while_there_are_none(self, running: Run) -> None:
        self.until_unwatched(running)
        began = time.monotonic()
        assert self.signals(running, 0.5) == {"cancel": False, "watched": False, "points": False}
        assert time.monotonic() - began >= 0.5

    @pytest.mark.parametrize("points", [False, True])
    def test_come_at_once_when_somebody_begins_to_watch(self, running: Run, points: bool) -> None:
        transport = running.experiment.workspace.api.transport
        self.until_unwatched(running)
        with ThreadPoolExecutor(1) as runner:
            heard = runner.submit(self.signals, running, 50)
            until(heard.running, "it asks")
            address = f"/runs/{running.id}/follow?points={str(points).lower()}"
            with transport.stream("GET", address) as following:
                assert following.read1(1)
                assert heard.result(60) == {"cancel": False, "watched": True, "points": points}

    def test_come_at_once_when_the_run_is_canceled(self, common_workspace: Workspace, tmp_path: Path) -> None:
        project = Project(common_workspace, tmp_path)
        run = project.submit("import time; time.sleep(600)")
        until(lambda: run.get_status() == "Running", "the script runs")
        with ThreadPoolExecutor(1) as runner:
            heard = runner.submit(self.signals, run, 50)
            until(heard.running, "it asks")
            run.cancel()
            assert heard.result(60)["cancel"]
