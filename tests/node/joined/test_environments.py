"""Environments that a node elsewhere builds: its log goes to the run while it grows, its end is the node's to tell."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from faena.attempts.api import ServerApi, Shipped
from faena.attempts.follow import Segment
from faena.kernel import process_identity
from faena.kernel.errors import EnvironmentBuildException, ServerUnreachable
from faena.node.joined import environments
from faena.node.joined.environments import BUILD_LOG, Builder, python_of
from faena.testing.node_home import KEY
from faena.testing.waiting import until

LOCK = "a" * 64
BUILDER = """#!{python}
import json, os, signal, sys, time
given = dict(zip(sys.argv, sys.argv[1:]))
print("pid", os.getpid(), flush=True)
os.chdir(os.path.dirname(given["--log"]))
with open(given["--log"], "a") as log:
    print("installing", flush=True, file=log)
{rest}
"""


class Server:
    """Has `kept` bytes of the build log from an earlier try; is away for the first `away` times."""

    def __init__(self, kept: int = 0, away: int = 0) -> None:
        self.log = b"." * kept
        self.away = away

    def call(self, method: str, path: str) -> dict[str, Any]:
        assert path == f"/environment-locks/{LOCK}/lock"
        return {"archives": []}

    def offsets(self, key: object) -> dict[str, int]:
        return {BUILD_LOG: len(self.log)} if self.log else {}

    def ship(self, key: object, parts: list[Segment], *, patience: float | None) -> Shipped:
        if patience == 0.0 and self.away:
            self.away -= 1
            raise ServerUnreachable("away")
        for part in parts:
            assert (part.stream, part.offset) == (BUILD_LOG, len(self.log))
            self.log += part.data
        return Shipped({BUILD_LOG: len(self.log)}, False, False)


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(environments, "_SHIP", 0.0)
    builder = Builder(tmp_path / "builds", "far")

    def run(server: Server, rest: str, progress: Callable[[], None] = lambda: None) -> None:
        python = tmp_path / "python"
        python.write_text(BUILDER.format(python=sys.executable, rest=rest))
        python.chmod(0o755)
        monkeypatch.setattr(environments, "builder_python", lambda: str(python))
        api = cast(ServerApi, server)
        builder.ensure(api, LOCK, lambda log: environments.Shipped(api, KEY, log), progress)

    yield run
    for process in builder._settling:  # which go on for a moment after their result
        process.wait(60)


def ending(answer: dict[str, Any]) -> str:
    """The result, whole, as the last thing."""
    return (
        f"with open('result', 'w') as file: file.write({json.dumps(answer)!r})\n"
        "os.rename('result', given['--result'])"
    )


def test_what_the_builder_says_comes_once_behind_what_an_earlier_try_said(build: Callable[..., None]) -> None:
    server = Server(kept=7, away=2)
    build(server, ending({"python": "there"}))
    assert server.log == b"." * 7 + b"On the node far:\ninstalling\n"


def test_a_failure_names_the_node_and_the_cause(build: Callable[..., None], tmp_path: Path) -> None:
    server = Server()
    with pytest.raises(EnvironmentBuildException, match=r"not be built on the node far: no index"):
        build(server, ending({"error": {"code": "EnvironmentBuildException", "message": "no index"}}))
    assert server.log.endswith(b"installing\n")
    with pytest.raises(EnvironmentBuildException, match=r"ended with 3 and no word\. pid \d+"):
        build(Server(), "sys.exit(3)")
    assert list((tmp_path / "builds").iterdir()) == []


def test_a_builder_that_is_killed_is_started_again(build: Callable[..., None]) -> None:
    def killed(times: int) -> str:
        said = f"with open('../tried{times}', 'a') as tried: tried.write('.')\n"
        return (
            f"{said}if os.path.getsize('../tried{times}') <= {times}: os.kill(os.getpid(), signal.SIGKILL)\n"
        )

    server = Server()
    build(server, killed(2) + ending({"python": "there"}))
    assert server.log == b"On the node far:\ninstalling\n" * 3
    with pytest.raises(EnvironmentBuildException, match=r"ended with -9 and no word\. pid \d+"):
        build(Server(), killed(3))


def test_a_run_that_is_canceled_waits_for_no_build(build: Callable[..., None], tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    said = tmp_path / "builds" / LOCK / "said.log"

    def stop() -> None:
        until(lambda: said.read_text().startswith("pid"), "the builder runs")
        raise Stop

    with pytest.raises(Stop):
        build(Server(), "time.sleep(600)", stop)
    pid = int(said.read_text().split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_environment_that_power_loss_may_have_torn_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))
    folder = tmp_path / "envs" / LOCK
    (folder / "bin").mkdir(parents=True)
    assert python_of(LOCK) is None
    (folder / ".ready").write_text(json.dumps({"boot": process_identity.boot()}))
    assert python_of(LOCK) is None, "it has no interpreter"
    (folder / "bin" / "python").symlink_to(sys.executable)
    assert python_of(LOCK) == folder / "bin" / "python"
    (folder / ".ready").write_text(json.dumps({"boot": "an earlier one"}))
    assert python_of(LOCK) is None
    (folder / ".settled").touch()
    assert python_of(LOCK) is not None
