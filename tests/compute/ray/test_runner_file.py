"""The runner as one file: Python runs it, with nothing installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import pytest

from faena.compute.backends.ray.runner_file import runner_file
from faena.testing.waiting import until

TOKEN = "FAENA1-plain-0123456789abcdef0123456789abcdef"


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    (path := tmp_path / "runner.zip").write_bytes(runner_file().data)
    return path


def start(runner: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    own = {"PATH": os.environ["PATH"], "HOME": str(runner.parent), "FAENA_HOME": str(runner.parent / "home")}
    return subprocess.Popen(
        [sys.executable, "-I", "-S", runner, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**own, **variables},
    )


@pytest.mark.long
def test_it_joins_with_the_standard_library_alone(runner: Path) -> None:
    process = start(runner, "join", "http://127.0.0.1:1", "--name", "big-0", FAENA_TOKEN=TOKEN)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 1
    assert "127.0.0.1" in said
    assert "Traceback" not in said, said
    (unpacked,) = (runner.parent / "home" / "runners").iterdir()
    assert (unpacked / "faena" / "node" / "guard.py").exists()


def test_whoever_calls_it_otherwise_is_told_how(runner: Path) -> None:
    process = start(runner)
    assert b"usage" in process.communicate(timeout=60)[0]
    assert process.returncode == 2


@pytest.fixture
def deaf() -> Iterator[str]:
    """An address where nobody answers who connects."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_what_is_held_by_a_pipe_leaves_with_it(runner: Path, deaf: str) -> None:
    process = start(runner, "join", deaf, FAENA_TOKEN=TOKEN, FAENA_HELD_BY_PIPE="1")
    assert process.stdin is not None
    process.stdin.close()
    until(lambda: process.poll() is not None, "the runner has left", seconds=60)
    assert process.stdout is not None
    process.stdout.close()
    assert process.returncode in (0, 1, 128 + signal.SIGTERM)


def test_it_names_what_builds_environments_as_the_server_has_it() -> None:
    with zipfile.ZipFile(BytesIO(runner_file().data)) as archive:
        wanted = archive.read("faena/node/joined/builder.txt").decode()
    assert f"uv=={version('uv')}\n" in wanted
    assert "__pycache__" not in " ".join(archive.namelist())
    assert len(runner_file().data) < 2 << 20
