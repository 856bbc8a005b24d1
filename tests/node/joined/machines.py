"""A machine for tests: a runner that shares neither state folder, temporary folder nor environment with the server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faena import JoinedCluster, Workspace
from faena.compute.machines.schemas import JoinTokenView, ListenerRequest, MachineView
from faena.kernel.discovery import child_environment
from faena.testing.waiting import until

_PASSED_ON = ("PYTHONPATH", "UV_CACHE_DIR", "UV_COMPILE_BYTECODE", "SSL_CERT_FILE")


class FarMachine:
    """`place`: all that it has of a disk."""

    def __init__(self, cluster: JoinedCluster, place: Path, name: str = "shed") -> None:
        self.cluster = cluster
        self.name = name
        self.place = place
        self.home = place / "home"
        self.log = place / "node.log"
        self._runtime = tempfile.mkdtemp(prefix="faena-test-", dir="/tmp")
        self.process: subprocess.Popen[bytes] | None = None
        self.started_by: tuple[str, ...] = ()
        """A command that has a URL become a node, instead of the runner itself."""
        self.url = ""
        """Where it has joined last."""
        (place / "tmp").mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Of the one workspace that it has joined."""
        (found,) = self.home.glob(f"nodes/*/{self.name}")
        return found

    def start(self, url: str, token: str = "", *words: str, **variables: str) -> subprocess.Popen[bytes]:
        """The runner, joining; `words`: of the command line besides."""
        self.url = url
        own = child_environment()
        environment = {name: own[name] for name in _PASSED_ON if name in own}
        environment |= {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "TMPDIR": str(self.place / "tmp"),
            "FAENA_HOME": str(self.home),
            "FAENA_RUNTIME": self._runtime,
            **({"FAENA_TOKEN": token} if token else {}),
            **variables,
        }
        command = [sys.executable, "-P", "-m", "faena.node.join", url, "--name", self.name, *words]
        command = [*self.started_by, url] if self.started_by else command
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self.process

    def join(self, *words: str, made: JoinTokenView | None = None, **variables: str) -> None:
        """With a new token unless one is given; returns when the server has it idle."""
        made = made or self.cluster.join_token()
        self.start(made.url, made.token, *words, **variables)
        until(lambda: self.seen() is not None and self.state == "idle", "the machine has joined")

    def seen(self) -> MachineView | None:
        return next((each for each in self.cluster.nodes() if each.name == self.name), None)

    @property
    def state(self) -> str:
        found = self.seen()
        return "" if found is None else found.state

    def end(self, number: int = signal.SIGTERM) -> int:
        """How the runner ended after this signal."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self._runtime, ignore_errors=True)


def cluster_of(workspace: Workspace, **shape: Any) -> JoinedCluster:
    """One that nobody has joined yet, with somebody who listens for them."""
    workspace.api.nodes.listen(ListenerRequest())
    return JoinedCluster.create(workspace, f"far-{os.urandom(4).hex()}", **{"max_nodes": 2, **shape})


@contextmanager
def far_machine(cluster: JoinedCluster, place: Path, name: str = "shed") -> Iterator[FarMachine]:
    machine = FarMachine(cluster, place, name)
    try:
        yield machine
    finally:
        machine.close()
