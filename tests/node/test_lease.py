"""A node's lease: renewed by what was sent and answered, lost when the server says so, never by its silence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from faena.kernel.addresses import Url
from faena.kernel.transport import Transport
from faena.node import boot_clock
from faena.node.lease import Lease
from faena.testing.waiting import until

_GOOD = {"beat_seconds": 0.05, "fence_seconds": 20.0, "lost": False}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: ClassVar[list[tuple[int, dict[str, Any]]]] = []
    """The last one again and again."""
    heard: ClassVar[list[tuple[str, Any]]] = []
    delay: ClassVar[float] = 0.0

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.delay)
        self.heard.append((self.path, asked))
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Guard:
    def __init__(self) -> None:
        self.told: list[bytes | float] = []
        self.killed = 0

    def ask_to_stop(self, reason: bytes) -> None:
        self.told.append(reason)

    def move_fence(self, at: float) -> None:
        self.told.append(at)

    def kill(self) -> None:
        self.killed += 1


@pytest.fixture
def begin() -> Iterator[Callable[..., Lease]]:
    """`answers`: what the server says, one after the other."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    made: list[Lease] = []

    def begin(*answers: tuple[int, dict[str, Any]], delay: float = 0.0, port: int = 0) -> Lease:
        _Handler.answers, _Handler.heard, _Handler.delay = list(answers), [], delay
        transport = Transport(Url(f"http://127.0.0.1:{port or server.server_port}", "token"))
        made.append(Lease(transport, "node_1", beat_seconds=0.05, fence_seconds=20.0))
        made[-1].start()
        return made[-1]

    yield begin
    for lease in made:
        lease.close()
    server.shutdown()
    serving.join()
    server.server_close()


def test_it_is_counted_from_when_the_request_was_sent(begin: Callable[..., Lease]) -> None:
    before = boot_clock.now()
    lease = begin((200, {**_GOOD, "beat_seconds": 600.0}), delay=0.5)
    assert lease.holds()
    answered = boot_clock.now()
    assert before + 20.0 <= lease.ends_at <= answered + 20.0 - 0.5


def test_what_the_server_says_last_counts(begin: Callable[..., Lease]) -> None:
    lease = begin((200, _GOOD), (200, {**_GOOD, "beat_seconds": 600.0, "fence_seconds": 7.0}))
    until(lambda: len(_Handler.heard) == 2, "two beats came")
    until(lambda: lease.ends_at <= boot_clock.now() + 7.0, "the shorter term counts")
    assert lease.fence()["seconds"] == 7.0
    assert _Handler.heard[0] == ("/nodes/node_1/beat", {"running": ""})


def test_a_guard_is_told_of_each_beat_and_the_server_of_what_runs(begin: Callable[..., Lease]) -> None:
    lease, guard = begin((200, _GOOD)), _Guard()
    assert lease.holds()
    with lease.running("run/1/0", guard):  # type: ignore[arg-type]  # as much of a guard as is told
        until(lambda: len(guard.told) > 3, "the guard is told")
        until(lambda: _Handler.heard[-1][1] == {"running": "run/1/0"}, "the server is told")
    told = [each for each in guard.told if isinstance(each, float)]
    assert told == sorted(told)
    assert len(told) == len(guard.told)
    until(lambda: _Handler.heard[-1][1] == {"running": ""}, "the server is told that nothing runs")


@pytest.mark.parametrize(
    "last",
    [
        (200, {**_GOOD, "lost": True}),
        (404, {"code": "NotFound", "message": "There is no node node_1."}),
        (401, {"code": "AuthenticationException", "message": "The machine was removed."}),
    ],
    ids=["lost", "unknown", "refused"],
)
def test_a_node_that_the_server_gave_up_ends_its_script(
    begin: Callable[..., Lease], last: tuple[int, dict[str, Any]]
) -> None:
    lease, guard = begin((200, _GOOD), (200, _GOOD), last), _Guard()
    assert lease.holds()
    with lease.running("run/1/0", guard):  # type: ignore[arg-type]  # as much of a guard as is told
        until(lambda: lease.is_lost, "it is lost")
        until(lambda: guard.told[-1] == b"l", "the guard is told")
    assert not lease.holds()
    heard = len(_Handler.heard)
    late = _Guard()
    with lease.running("run/2/0", late):  # type: ignore[arg-type]  # as much of a guard as is told
        assert late.told == [b"l"]
    assert len(_Handler.heard) == heard


def test_one_that_is_silent_or_ill_is_no_reason_to_give_up(begin: Callable[..., Lease]) -> None:
    ill = (500, {"code": "ServiceException", "message": "no"})
    lease = begin(ill, (503, {"code": "WriterStopped", "message": "no"}), (200, {}), (200, _GOOD))
    assert lease.holds()
    assert not lease.is_lost
    assert len(_Handler.heard) >= 4


def test_a_guard_that_stands_still_is_killed(
    begin: Callable[..., Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, guard = begin((200, {**_GOOD, "beat_seconds": 600.0})), _Guard()
    assert lease.holds()
    ends_at = lease.ends_at
    with lease.running("run/1/0", guard):  # type: ignore[arg-type]  # as much of a guard as is told
        monkeypatch.setattr(boot_clock, "now", lambda: ends_at + 2.0)  # it may use its grace
        lease.look()
        assert guard.killed == 0
        monkeypatch.setattr(boot_clock, "now", lambda: ends_at + 3.1)
        lease.look()
        assert guard.killed == 1
    lease.look()
    assert guard.killed == 1
