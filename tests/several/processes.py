"""Processes of one shared server, each with a port of its own, on one database of PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from faena import Cluster, Estimator, Experiment, Workspace
from faena.people.settings import PREFIX
from faena.server.team.listener import owner_token
from tests.conftest import shut_down
from tests.people.shared import Caller

PATIENCE = 60.0
T = TypeVar("T")


def until(found: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """What is true at last."""
    deadline = time.monotonic() + patience
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(0.02)
    return value


class Process:
    """`faena server run` of a folder."""

    def __init__(
        self, folder: Path, database: str, log: Path, port: int = 0, more: Mapping[str, str] | None = None
    ) -> None:
        """`port`: 0: a free one. `more`: of its environment."""
        self._log = log
        environment = dict(os.environ)
        environment |= {f"{PREFIX}DATABASE": database, f"{PREFIX}PORT": str(port), f"{PREFIX}OWNER": "ada"}
        environment |= more or {}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faena.cli", "server", "run"],
                cwd=folder,
                env=environment,
                stderr=output,
                stdout=output,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def leads(self) -> bool:
        return "this process leads" in self.said

    @property
    def url(self) -> str:
        """Once people can sign in."""

        def found() -> str:
            assert self._process.poll() is None, self.said
            return self.said.partition("People sign in at ")[2].partition("\n")[0]

        return until(found, "the server listens")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.send(number)
        return self.wait()

    def wait(self) -> int:
        return self._process.wait(PATIENCE)

    @property
    def lives(self) -> bool:
        return self._process.poll() is None


SCRIPT = """
import time
from pathlib import Path
from faena import Run
run = Run.get_context()
for step in range(STEPS):
    run.log('loss', 1 / (1 + step))
    if Path(SAY).exists():
        print('said at', time.time(), flush=True)
        Path(SAY).unlink()
    if Path(END).exists():
        break
    time.sleep(0.02)
run.log('end', step)
"""


class Job:
    """A run that goes on until it is told to end, and says when it is told to say something."""

    def __init__(self, by: Workspace, folder: Path, steps: int = 1000) -> None:
        """`steps`: of 0.02 s, after which it ends by itself."""
        source = folder / "source"
        source.mkdir()
        self._say, self._end = folder / "say", folder / "end"
        script = SCRIPT.replace("SAY", repr(str(self._say))).replace("END", repr(str(self._end)))
        script = script.replace("STEPS", str(steps))
        (source / "train.py").write_text(script)
        cluster = Cluster.get_or_create(by, "cpu", max_nodes=1)
        self.run = Experiment(by, "far").submit(
            Estimator(
                str(source), entry_script="train.py", compute_target=cluster, interpreter=sys.executable
            )
        )
        until(lambda: self.run.get_metrics().get("loss"), "it logs")

    def say(self) -> None:
        self._say.touch()

    def end(self) -> None:
        self._end.touch()


class Server:
    def __init__(self, parent: Path, database: str) -> None:
        self.workspace = Workspace.create("team", parent / "team")
        self._parent = parent
        self.database = database
        self.processes: list[Process] = []
        self._connected: list[Workspace] = []
        self._callers: list[Caller] = []

    @property
    def folder(self) -> Path:
        return self.workspace.files.path

    def start(self) -> Process:
        """One more process, which answers."""
        begun = self.begin()
        assert begun.url
        return begun

    def begin(self) -> Process:
        """One more process, which is starting."""
        name = f"log-{len(self.processes)}"
        self.processes.append(Process(self.folder.parent, self.database, self._parent / name))
        return self.processes[-1]

    def by(self, process: Process) -> Workspace:
        """As the first owner, by one process."""
        token = owner_token(self.folder).read_text().strip()
        self._connected.append(Workspace.connect(process.url, token))
        return self._connected[-1]

    def caller(self, process: Process) -> Caller:
        """The first owner, with requests as they are."""
        self._callers.append(Caller(process.url, owner_token(self.folder).read_text().strip()))
        return self._callers[-1]

    def close(self) -> None:
        for caller in self._callers:
            caller.close()
        for workspace in self._connected:
            workspace.api.transport.close()
        for process in self.processes:
            if process.lives:
                process.end(signal.SIGKILL)
        shut_down(self.workspace)
