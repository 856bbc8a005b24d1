"""Whoever connects gets so much and no more: connections, bytes, time. Others are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from faena.server.listener.bounds import Bounds, for_socket, raise_descriptors
from faena.server.listener.protocol import bounded
from tests.server.house import Running, Visitor, running

PATIENCE = 60.0
SMALL = Bounds(
    connections=6,
    head_bytes=2000,
    address_bytes=500,
    headers=10,
    head_seconds=0.3,
    body_seconds=0.3,
    body_bytes=1000,
    unread_bytes=100_000,
    unread_seconds=0.3,
)
CALM = Bounds(connections=6, head_bytes=2000, address_bytes=500, headers=10, unread_bytes=100_000)
"""With times that no test waits for."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body of a POST; answers others at once."""
    size = 0
    while scope["method"] == "POST":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = str(size).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


class _Threaded(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def prompt(verb: bytes, address: bytes, headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """Answers a POST to one address without the application."""
    if (verb, address) != (b"POST", b"/prompt"):
        return None
    return b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nprompt"


@contextmanager
def listening(bounds: Bounds) -> Iterator[tuple[str, int]]:
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    place.listen(64)
    config = uvicorn.Config(
        application,
        http=bounded(bounds, prompt),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
    )
    server = _Threaded(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[place])))
    address = place.getsockname()
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        place.close()


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[str, int]]:
    with listening(SMALL) as address:
        yield address


@pytest.fixture
def calm() -> Iterator[tuple[str, int]]:
    with listening(CALM) as address:
        yield address


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=PATIENCE) as found:
        yield found


def answers(connection: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    found = b""
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            found += part
    return found


def answered(connection: socket.socket) -> bytes:
    """One answer, on a connection that stays: `application` says its length."""
    found = b""
    while not (head := found.partition(b"\r\n\r\n"))[1]:
        found += connection.recv(1)
    length = int(head[0].lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    while len(found) < len(head[0]) + 4 + length:
        found += connection.recv(1)
    return found


def asked(address: tuple[str, int], request: bytes) -> bytes:
    with connected(address) as connection:
        connection.sendall(request)
        return answers(connection)


def get(address: tuple[str, int]) -> bytes:
    return asked(address, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


def test_what_is_within_bounds_is_served(calm: tuple[str, int]) -> None:
    assert get(calm).endswith(b"\r\n\r\n0")
    with connected(calm) as connection:
        for size in (0, 5, 90_000):
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
            assert answered(connection).endswith(b"\r\n\r\n%d" % size), "a connection is used again"


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /%s HTTP/1.1\r\n\r\n" % (b"a" * 600), b"414"),
        (b"GET / HTTP/1.1\r\na: %s\r\n\r\n" % (b"b" * 3000), b"431"),
        (b"GET / HTTP/1.1\r\n%s\r\n" % (b"a: b\r\n" * 11), b"431"),
        (b"GET / HTTP/1.1\r\na: %s" % (b"b" * 3000), b"431"),
        (b"GET /%s" % (b"b" * 3000), b"431"),
        (b"\r\n" * 2000, b"431"),
    ],
    ids=["address", "bytes", "headers", "header that goes on", "address that goes on", "nothing"],
)
def test_a_head_has_bounds(calm: tuple[str, int], request_head: bytes, status: bytes) -> None:
    answer = asked(calm, request_head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "UserErrorException"


def test_a_head_without_end_is_not_read_on(calm: tuple[str, int]) -> None:
    sent = 0
    with connected(calm) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(ConnectionError):
            while sent < 60_000_000:
                sent += connection.send(b"a: " + b"b" * 60_000 + b"\r\n")
    assert sent < 20_000_000, "what the sockets between hold, and no more"
    assert get(calm).endswith(b"0")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\na: ",
        b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\nGET / HT",
        b"POST /prompt HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        b"POST /prompt HTTP/1.1\r\nContent-Length: 0\r\n\r\nPOST /prompt HT",
    ],
)
def test_time_is_bounded(small: tuple[str, int], begun: bytes) -> None:
    """A first byte, the end of a head, the end of a body, also where a slow sender sends one byte after another."""
    for slow in (False, True):
        with connected(small) as connection:
            connection.sendall(begun)
            connection.settimeout(0.02 if slow else PATIENCE)
            until = time.monotonic() + PATIENCE
            with suppress(ConnectionError):  # closed while it sends
                while time.monotonic() < until:
                    try:
                        if not connection.recv(65536):
                            break
                    except TimeoutError:
                        assert slow
                        if b"\r\n\r\n" not in begun or begun.startswith(b"POST"):
                            connection.send(b"a" if b"chunked" not in begun else b"")
            assert time.monotonic() < until, "it is closed in time"


def test_a_body_that_comes_on_may_take_its_time() -> None:
    looks: list[tuple[Any, ...]] = []
    closed: list[bool] = []
    kind = bounded(SMALL)
    connection: Any = kind.__new__(kind)
    connection.flow = SimpleNamespace(read_paused=False)
    connection.loop = SimpleNamespace(call_later=lambda *call: looks.append(call))
    connection.transport = SimpleNamespace(close=lambda: closed.append(True))
    connection._body = 1000
    connection._look_at_body(0)
    assert looks[-1][0] == SMALL.body_seconds
    assert looks[-1][-1] == 1000
    connection._body = 1999
    connection.flow.read_paused = True
    connection._look_at_body(1000)
    assert (len(looks), closed) == (2, []), "it waits for us, not we for it"
    connection.flow.read_paused = False
    connection._look_at_body(1000)
    assert (len(looks), closed) == (2, [True])


def test_what_needs_no_waiting_is_answered_without_the_application(calm: tuple[str, int]) -> None:
    """Whole or in parts, one after another, and in turn with what the application answers."""
    head = b"POST /prompt HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
    with connected(calm) as connection:
        for _ in range(3):
            connection.sendall(head + b"abc")
            assert answered(connection).endswith(b"\r\n\r\nprompt")
            for part in (head[:20], head[20:], b"a", b"bc"):
                connection.sendall(part)
            assert answered(connection).endswith(b"\r\n\r\nprompt")
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
            assert answered(connection).endswith(b"\r\n\r\n3")
        # after one whose body is on its way, it has its turn
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + head + b"abc")
        assert answered(connection).endswith(b"\r\n\r\n3")
        assert answered(connection).endswith(b"\r\n\r\n3"), "the application has it there"
    # who says that it will close is answered by the application, which closes
    assert asked(calm, b"POST /prompt HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").endswith(
        b"0"
    )


def test_the_oldest_that_waits_goes_for_a_new_one(
    calm: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    held = [socket.create_connection(calm, timeout=PATIENCE) for _ in range(CALM.connections)]
    try:
        held[0].sendall(b"GET / HT")
        for _ in range(3):
            assert get(calm).endswith(b"0")
        assert answers(held[0]) == b"", "it was closed"
        assert [record.name for record in caplog.records if "connections" in record.message]
    finally:
        for each in held:
            each.close()


def test_who_is_being_answered_stays(calm: tuple[str, int]) -> None:
    with connected(calm) as busy:
        busy.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nab")
        assert get(calm)
        idle = [socket.create_connection(calm, timeout=PATIENCE) for _ in range(3 * CALM.connections)]
        assert get(calm).endswith(b"0")
        busy.sendall(b"c")
        assert answers(busy).endswith(b"3")
        for each in idle:
            each.close()


def test_requests_are_not_piled_up(calm: tuple[str, int]) -> None:
    answer = asked(calm, b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n" * 500)
    assert answer.count(b"200 OK") <= CALM.pipelined + 1


@pytest.mark.parametrize("begun", [b"GET /", b"POST /prompt"])
def test_a_body_that_nobody_reads_is_not_read_on(calm: tuple[str, int], begun: bytes) -> None:
    with connected(calm) as connection:
        connection.sendall(begun + b" HTTP/1.1\r\nContent-Length: 60000000\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        sent = 0
        with pytest.raises(ConnectionError):
            while True:
                sent += connection.send(b"x" * 65536)
        assert sent < 20_000_000


def test_a_body_that_nobody_reads_leaves_a_connection_to_use(calm: tuple[str, int]) -> None:
    with connected(calm) as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n")
            assert b"200 OK" in answered(connection)
            connection.sendall(b"x" * 9000)


def test_the_door_is_open_to_the_owner_whoever_else_stands_there(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("crowd")) as server:
        browser, stranger = server.browser(), server.stranger()
        crowd = [_half_open(stranger.port, at) for at in range(400)]
        try:
            assert browser.get("/ui/runs").status == 200
            assert stranger.get("/ui/runs").status == 401
            assert _descriptors(server) < 250
        finally:
            for each in crowd:
                each.close()


def _half_open(port: int, at: int) -> socket.socket:
    found = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    begun = (b"", b"GET /ui/runs HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
    with suppress(ConnectionError):
        found.sendall(begun[at % 3])
    return found


def _descriptors(server: Running) -> int:
    """Connections that the door has at this moment."""
    held = server.house.gateway._server
    assert held is not None
    return len(held.server_state.connections)


def test_who_has_no_key_is_not_listened_to(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("long")) as server:
        stranger = server.stranger()
        with connected(("127.0.0.1", stranger.port)) as connection:
            host = f"127.0.0.1:{stranger.port}".encode()
            connection.sendall(b"POST /runs HTTP/1.1\r\nHost: %s\r\nContent-Length: 60000000\r\n\r\n" % host)
            assert connection.recv(65536).startswith(b"HTTP/1.1 401"), "before its body came"
            with pytest.raises(ConnectionError):
                while True:
                    connection.send(b"x" * 65536)
        assert Visitor(stranger.port).get("/").status == 401


def test_a_sender_that_leaves_is_no_failure_of_the_server(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with running(tmp_path_factory.mktemp("left")) as server:
        client = server.client()
        with connected(("127.0.0.1", client.port)) as connection:
            head = f"PUT /clusters/c HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nContent-Length: 9\r\n"
            connection.sendall(f"{head}Authorization: {client.headers['Authorization']}\r\n\r\n{{".encode())
        until = time.monotonic() + PATIENCE
        while "did not come to its end" not in caplog.text and time.monotonic() < until:
            assert client.get("/clusters").status == 200
    assert "did not come to its end" in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_descriptors_are_raised_as_far_as_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(256, 100_000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    raise_descriptors()
    assert limits[-1] == (4096, 100_000)
    assert for_socket().connections > 3000
    raise_descriptors()
    assert len(limits) == 2
    limits[:] = [(100, 1024)]
    raise_descriptors()
    assert limits[-1] == (1024, 1024)
    limits[:] = [(100, 100)]
    raise_descriptors()
    assert limits == [(100, 100)]
    assert for_socket().connections == 64, "few, and told of, are better than none"
