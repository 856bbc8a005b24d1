"""A server on the first of a few hosts, nodes that have joined it on the others, and what a run on them came to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from faena.testing.kills.records import NOTHING, Count, compare
from faena.testing.waiting import until
from tests.hosts.namespaces import Host, Hosts

CLUSTER = "shop"
_HERE = Path(__file__).resolve().parent
LOG = "azureml-logs/70_driver_log.txt"
_WORKSPACE = "/tmp/ws"


@dataclass(frozen=True, slots=True)
class Lease:
    """Seconds: of beats, until a run is NotResponding, until a node ends its script, until it is lost."""

    beat: float = 2.0
    quiet: float = 5.0
    fence: float = 50.0
    lost: float = 60.0

    @property
    def variables(self) -> dict[str, str]:
        return {"FAENA_NODE_LEASE": f"{self.beat:g},{self.quiet:g},{self.fence:g},{self.lost:g}"}


@dataclass(slots=True)
class Lived:
    """What a script of an attempt wrote down on its host. Times are seconds since the machine's start."""

    host: int
    began: float = 0.0
    began_at: int = 0
    """The number that it went on from."""
    last: float = 0.0
    points: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    ended: bool = False


class Site:
    """`nodes`: hosts beside the server's."""

    def __init__(self, folder: Path, lease: Lease, nodes: int = 2) -> None:
        self._hosts = Hosts(folder / "hosts", nodes + 1)
        self._lease = lease
        self.log = LOG
        """In which the lines of a run's script are: of ranks, those of the first."""
        self._operator: subprocess.Popen[bytes] | None = None
        self._joining: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.server, *self.nodes = self._hosts.__enter__()
        try:
            self._begin()
        except BaseException:
            self._hosts.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self.tell()
            if self._operator is not None and self._operator.stdin and self._operator.stdout:
                self._operator.stdin.close()
                self._operator.stdout.close()
        finally:
            self._hosts.close()

    def _begin(self) -> None:
        self._have_operator()
        self._joining = self.do("begin", CLUSTER, len(self.nodes))

    def _have_operator(self) -> None:
        source = self.server.path("/tmp/source")
        source.mkdir()
        shutil.copy(_HERE / "living.py", source / "train.py")
        given = self._lease.variables
        self._operator = self.server.talk(
            sys.executable, "-P", _HERE / "operator_process.py", _WORKSPACE, given=given
        )

    def do(self, *words: Any) -> Any:
        """What the operator answers. Raises AssertionError where it says that something failed."""
        assert self._operator is not None and self._operator.stdin and self._operator.stdout
        self._operator.stdin.write(json.dumps(words).encode() + b"\n")
        self._operator.stdin.flush()
        line = self._operator.stdout.readline()
        assert line, "the operator has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["found"]

    def ask(self, path: str) -> Any:
        return self.do("ask", "GET", path)

    def join(self, host: Host) -> subprocess.Popen[bytes]:
        """The host's runner, once its machine is known."""
        url = f"https://{host.hub}:{self._joining['port']}"
        name = self.name(host)
        given = {"FAENA_TOKEN": self._joining["token"]}
        faena = Path(sys.executable).with_name("faena")
        process = host.start(faena, "node", "join", url, "--name", name, given=given)
        until(
            lambda: self.machine(name).get("state") in ("idle", "running"), f"{name} has joined", seconds=60
        )
        return process

    def name(self, host: Host) -> str:
        """By which its machine is known."""
        return f"host{self.nodes.index(host) + 1}"

    def machine(self, name: str) -> dict[str, Any]:
        return next((each for each in self.ask("/nodes") if each["name"] == name), {})

    def submit(self, **options: Any) -> str:
        described = {
            "source_directory": "/tmp/source",
            "entry_script": "train.py",
            "compute_target": CLUSTER,
            "interpreter": sys.executable,
            **options,
        }
        return str(self.do("submit", described))

    def status(self, run: str) -> str:
        return str(self.ask(f"/runs/{run}")["status"])

    def until_status(self, run: str, *wanted: str, seconds: float = 60.0) -> str:
        return until(
            lambda: found if (found := self.status(run)) in wanted else "", f"{wanted}", seconds=seconds
        )

    def lived(self) -> dict[int, Lived]:
        """By attempt."""
        found: dict[int, Lived] = {}
        for number, host in enumerate(self.nodes):
            path = host.path("/tmp/confirmed")
            text = path.read_text() if path.exists() else ""
            for line in text.rpartition("\n")[0].splitlines():
                attempt, what, value, at = line.split()
                this = found.setdefault(int(attempt), Lived(number))
                assert this.host == number, f"attempt {attempt} was on hosts {this.host} and {number}"
                this.last = float(at)
                match what:
                    case "begin":
                        assert not this.began, f"attempt {attempt} was started twice"
                        this.began, this.began_at = float(at), int(value)
                    case "point":
                        this.points.append(int(value))
                    case "line":
                        this.lines.append(int(value))
                    case "end":
                        this.ended = True
        return found

    def release(self) -> None:
        """Have scripts come to their end."""
        for host in self.nodes:
            host.path("/tmp/release").touch()

    def found(self, run: str, attempt: int) -> tuple[list[int], list[int]]:
        """Points and lines of an attempt, as the server has them."""
        metrics = self.ask(f"/runs/{run}/metrics?attempt={attempt}")
        points = metrics.get("n", [])
        text = str(self.ask(f"/runs/{run}/files/{self.log}?attempt={attempt}"))
        return (
            [int(each) for each in (points if isinstance(points, list) else [points])],
            [int(each) for each in re.findall(r"^(\d+)\.$", text, re.MULTILINE)],
        )

    def count(self, run: str) -> Count:
        """Points and lines of all attempts, against what scripts confirmed."""
        total = NOTHING
        for attempt, lived in self.lived().items():
            points, lines = self.found(run, attempt)
            total = total + compare(lived.points, points) + compare(lived.lines, lines)
        return total

    def tell(self) -> None:
        """What the hosts say, for a test that failed."""
        for host in (self.server, *self.nodes):
            print(f"ended on {host.name}: {host.ended()}")
            log = host.path("/tmp/log")
            if log.exists():
                print(f"--- {host.name}\n{log.read_text()[-4000:]}")
        for log in self.server.path("/tmp").glob("ws/.faena/server.log"):
            print(log.read_text()[-4000:])
