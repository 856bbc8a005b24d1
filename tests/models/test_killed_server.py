"""The server dies while it takes a model: there is no version, or a whole one."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Model, Workspace
from faena.testing.kills import processes
from faena.testing.waiting import until


@pytest.mark.long
def test_the_client_goes_on_and_gets_one_whole_version(workspace: Workspace, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.mkdir()
    for number in range(4):
        (large / f"{number}.bin").write_bytes(os.urandom(1 << 20) * 60)
    workspace.api.version()
    incoming = workspace.files.objects / "incoming"
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(Model.register, workspace, large, "large")
        for _ in range(2):
            kill_server(workspace, incoming, made)
        assert made.result(timeout=120).version == 1
    (found,) = Model.list(workspace, "large")
    assert sum(file.size for file in found.view.files) == 4 * 60 << 20
    copy = Path(found.download(tmp_path / "copy"))
    assert all((copy / file.name).read_bytes() == file.read_bytes() for file in large.iterdir())


def kill_server(workspace: Workspace, incoming: Path, made: Future[Model]) -> None:
    """While bytes come in; not at all when the registration was faster."""
    until(lambda: any(incoming.iterdir()) or made.done(), "bytes come in")
    server = processes.server_of(workspace.files.path)
    if server is not None and not made.done():
        os.kill(server, signal.SIGKILL)
        until(lambda: not processes.runs(server), "the server is dead")
        # what it left half written is there until the next one starts
        until(lambda: not any(incoming.iterdir()) or made.done(), "the next server cleans up")
