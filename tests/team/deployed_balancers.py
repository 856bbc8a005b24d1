"""HAProxy and nginx with the files of deploy/balancer before two processes that are killed, restarted, told to leave.

Clients ask one request after the other and never twice, so that each that fails is seen.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faena.people.settings import PREFIX
from faena.server.node_listener import certificate
from faena.testing.postgresql_pair import free_port
from faena.testing.waiting import until
from tests.people.shared import Caller
from tests.restart.clients import Clients, restart
from tests.team.days import Row
from tests.team.ground import Team, team

_FILES = Path(__file__).parents[2] / "deploy" / "balancer"
_NAME = "faena.example.org"
"""Of the files of deploy/balancer."""
_CLIENTS = 8
_REQUESTS = 200
"""That are answered before something happens, and after."""
_PATIENCE_S = 180.0


@dataclass(frozen=True)
class Kind:
    file: str
    command: Callable[[Path], Sequence[str | Path]]
    """`Path`: of the file, its ports and paths replaced."""
    drain: int
    """Seconds of the processes' drain, which this one's looks at /ready need."""


KINDS = {
    "HAProxy": Kind("haproxy.cfg", lambda file: ("haproxy", "-db", "-f", file), 5),
    "nginx": Kind(
        "nginx.conf",
        lambda file: ("nginx", "-c", file, "-g", f"daemon off; pid {file}.pid;"),
        0,
    ),
}


@dataclass
class AskedRow(Row):
    answers: Counter[int] = field(default_factory=Counter)
    failed: int = 0

    def __str__(self) -> str:
        answered = self.answers[200] + self.answers[204]
        return f"{self.what:<50} {answered:>6} answered, {self.failed} not, longest {self.longest:.1f} s"


def _leader_is_killed(made: Team) -> None:
    leader = until(lambda: made.leader, "one leads", seconds=_PATIENCE_S)
    assert leader is not None
    leader.stop(signal.SIGKILL, again=True)
    leader.start()


def _each_is_restarted(made: Team) -> None:
    for place in made.places:
        assert place.process is not None
        restart(place.process)


def _each_is_told_to_leave(made: Team) -> None:
    """The second once the balancer asks the first one again, as docs/server.md has it: else it may know of none."""
    for place in made.places:
        place.stop(signal.SIGTERM, again=True)
        place.start()
        with closing(Caller(f"https://127.0.0.1:{place.port}", made.token)) as caller:
            until(
                lambda: _asked_of(caller) >= _REQUESTS // 10,
                "the balancer asks it again",
                seconds=_PATIENCE_S,
            )


def _asked_of(caller: Caller) -> int:
    """Requests of the clients' that this process has answered since it was started."""
    counted = r'^faena_http_requests_total\{method="GET",route="/experiments",status="200"\} (\d+)$'
    return sum(int(each) for each in re.findall(counted, caller.get("/metrics").text, re.MULTILINE))


EVENTS = {
    "the leader is killed": _leader_is_killed,
    "each is restarted in its place": _each_is_restarted,
    "each is told to leave, and started anew": _each_is_told_to_leave,
}


def tried(folder: Path, name: str, times: int) -> Iterator[AskedRow]:
    """Each event so many times. Nothing where the balancer is not installed."""
    kind = KINDS[name]
    made_by = certificate.own(folder, [_NAME, "127.0.0.1"])
    told = {
        f"{PREFIX}CERTIFICATE": str(made_by.certificate),
        f"{PREFIX}KEY": str(made_by.key),
        f"{PREFIX}NAMES": _NAME,
        f"{PREFIX}TRUSTED_PROXIES": "127.0.0.1",
        f"{PREFIX}DRAIN": str(kind.drain),
    }
    with team(folder / "team", more=(told, told), objects="") as made, _serving(folder, kind, made) as url:
        for what, event in EVENTS.items():
            for _ in range(times):
                yield _asked(made, url, f"{name}: {what}", event)


def _asked(made: Team, url: str, what: str, event: Callable[[Team], None]) -> AskedRow:
    """No answer is missed, but for what a killed process had begun that may not be asked twice."""
    clients = Clients(url, made.token)

    def go_on() -> None:
        before = clients.asked
        until(lambda: clients.asked >= before + _REQUESTS, "they are answered", seconds=_PATIENCE_S)

    with clients.asking(_CLIENTS):
        go_on()
        event(made)
        go_on()
    refused = [
        f"{times} were answered {status}"
        for status, times in clients.answers.items()
        if status not in (200, 204)
    ]
    row = AskedRow(what, 0.0, longest=clients.longest, answers=clients.answers)
    row.failed = len(clients.failures) + sum(clients.answers.values())
    row.failed -= clients.answers[200] + clients.answers[204]
    lost = clients.answers[502] + len(clients.failures)
    if "killed" in what and set(clients.answers) <= {200, 204, 502} and lost <= _CLIENTS // 2:
        row.told = refused + clients.failures
    else:
        row.wrong = refused + clients.failures
    return row


@contextmanager
def _serving(folder: Path, kind: Kind, made: Team) -> Iterator[str]:
    """Its address, once it takes connections."""
    port = free_port()
    shown = folder / "team" / f"balancer-{kind.file}"
    pem = folder / "both.pem"
    pem.touch(0o600)
    pem.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    text = (_FILES / kind.file).read_text()
    for old, new in {
        ":8443 ssl": f":{port} ssl",
        "listen 8443": f"listen {port}",
        ":8441": f":{made.places[0].port}",
        ":8442": f":{made.places[1].port}",
        "/etc/haproxy/faena.pem": str(pem),
        "/etc/haproxy/faena-ca.pem": str(folder / "certificate.pem"),
        "/etc/nginx/faena-certificate.pem": str(folder / "certificate.pem"),
        "/etc/nginx/faena-ca.pem": str(folder / "certificate.pem"),
        "/etc/nginx/faena-key.pem": str(folder / "key.pem"),
    }.items():
        text = text.replace(old, new)
    shown.write_text(text)
    with (folder / "team" / "balancer.log").open("wb") as output:
        process = subprocess.Popen(kind.command(shown), stdout=output, stderr=output, env=_environment())
    try:
        until(lambda: _listens(process, port), "the balancer listens", seconds=60)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def is_installed(name: str) -> bool:
    return shutil.which(str(KINDS[name].command(Path())[0]), path=_environment()["PATH"]) is not None


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the balancer has ended: see balancer.log"
    with socket.socket() as tried_one:
        return tried_one.connect_ex(("127.0.0.1", port)) == 0
