"""A shared server, from its start to a run of somebody elsewhere, whose home and folder are their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Cluster, Estimator, Experiment, Workspace
from faena.kernel.errors import AuthenticationException
from tests.conftest import shut_down

FAENA = [sys.executable, "-m", "faena.cli"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Of a server in the foreground, until SIGTERM."""
    workspace = Workspace.create("team", tmp_path / "team")
    workspace.api.version()  # a server in the background, whose place is taken
    asked = ["--port", "0", "--owner", "ada"]
    with subprocess.Popen(
        [*FAENA, "server", "run", *asked], cwd=tmp_path / "team", stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        told = next(line for line in server.stderr if line.startswith("People"))
        yield told.split()[-1]
        server.send_signal(signal.SIGTERM)
        server.stderr.read()
    assert server.returncode == 0, "it left in good order"
    shut_down(workspace)


def test_from_its_start_to_a_run_of_somebody_elsewhere(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "team" / ".faena" / "owner-token"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FAENA_WORKSPACE", raising=False)
    told = subprocess.run(
        [*FAENA, "login", url, "--token-file", token],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    ).stdout
    assert told == f"Logged in at {url}: workspace team, as ada, owner.\n"
    assert (tmp_path / "home" / "logins.json").stat().st_mode & 0o077 == 0
    again = subprocess.run(
        [*FAENA, "server", "run"], cwd=tmp_path / "team", capture_output=True, text=True, check=False
    )
    assert "serves the workspace" in again.stderr
    there = Workspace.from_config()
    Path("train.py").write_text("from faena import Run\nRun.get_context().log('loss', 0.5)\n")
    cluster = Cluster.get_or_create(there, "cpu", max_nodes=1)
    run = Experiment(there, "far").submit(
        Estimator(".", entry_script="train.py", compute_target=cluster, interpreter=sys.executable)
    )
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_metrics() == {"loss": 0.5}
    assert there.api.run(run.id).user == "ada", "whatever this process calls its user"
    forged = token.read_text().strip()[:-1] + "x"
    with pytest.raises(AuthenticationException, match="not good here"):
        Workspace.connect(url, forged).api.people.me()
