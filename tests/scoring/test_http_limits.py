"""Who sends too much, too slowly or takes nothing is told which limit it broke, and harms nobody."""

from __future__ import annotations

import socket as sockets
import ssl
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from faena.kernel.errors import WebserviceException
from faena.scoring.desired import Limits, Tls
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.listener import context
from faena.testing.waiting import until
from tests.scoring.listening import Client, certify, request, serving

QUICK = Limits(body_bytes=1000, header_bytes=2000, head_s=1.0, body_s=1.0, keep_alive_s=2.0)


def test_a_body_has_a_limit() -> None:
    with serving(Limits(body_bytes=1000)) as served:
        with Client(served.port) as client:
            assert client.ask(body=b"x" * 1000).status == 200
            client.send(request(body=b"x" * 1001))
            got = client.answer()
            assert (got.status, got.headers["connection"]) == (413, "close")
            assert b"1000 bytes (max_body_bytes)" in got.body
            assert client.is_closed()
        with Client(served.port) as client:
            client.send(b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.send((b"64\r\n" + b"x" * 100 + b"\r\n") * 11)
            assert client.answer().status == 413
            assert client.is_closed()
        with Client(served.port) as client:
            client.send(
                b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n"
            )
            assert client.answer().status == 413
        assert served.listener.shared.held == 0


def test_a_refused_sender_of_much_reads_why() -> None:
    with serving(Limits(body_bytes=1000)) as served, Client(served.port) as client:
        client.send(request(body=b"x" * 20_000_000))
        assert client.answer().status == 413
        assert client.is_closed()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 3000,
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a: 1\r\n" * 1000,
        b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 3000,
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a: 1\r\n" * 1_000_000,
        b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a:\r\n" * 300 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a:\r\n" * 300,
    ],
)
def test_headers_have_a_limit(sent: bytes) -> None:
    with serving(Limits(header_bytes=2000)) as served, Client(served.port) as client:
        assert client.ask(headers=f"X: {'x' * 1900}\r\n").status == 200
        client.send(sent)
        got = client.answer()
        assert got.status == 431
        assert b"2000 bytes (limits.header_bytes)" in got.body or b"256 headers" in got.body
        assert client.is_closed()


def test_trailers_and_extensions_have_a_limit() -> None:
    for endless in (b"0\r\n" + b"X: a\r\n" * 100_000, b"0\r\nX: " + b"x" * 500_000, b"1;x=" + b"x" * 500_000):
        with serving(Limits(header_bytes=2000)) as served, Client(served.port) as client:
            client.send(b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n" + endless)
            assert client.answer().status in (400, 431)
            assert client.is_closed()


def test_small_chunks_are_not_too_much() -> None:
    with serving(Limits(header_bytes=2000)) as served, Client(served.port) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
        assert len(client.answer().body) == 50_000


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (b"POST", b"limits.head_s"),
        (b"POST /echo HTTP/1.1\r\nHost: he", b"limits.head_s"),
        (b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\na", b"limits.body_s"),
        (b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n", b"limits.body_s"),
    ],
)
def test_what_does_not_come_to_an_end(sent: bytes, named: bytes) -> None:
    with serving(QUICK) as served, Client(served.port) as client:
        assert client.ask().status == 200
        client.send(sent)
        got = client.answer()
        assert got.status == 408
        assert named in got.body
        assert client.is_closed()


def test_headers_that_come_byte_by_byte_are_too_late_all_the_same() -> None:
    with serving(QUICK) as served, Client(served.port) as client:
        client.send(b"GET / HTTP/1.1\r\n")
        client.socket.settimeout(0.02)
        began = time.monotonic()
        got = b""
        while not got and time.monotonic() - began < 30:
            client.send(b"a: 1\r\n")
            try:
                got = client.socket.recv(1000)
            except TimeoutError:
                continue
        assert got.startswith(b"HTTP/1.1 408")


def test_a_connection_without_a_request_is_closed() -> None:
    with serving(QUICK) as served:
        with Client(served.port) as client:
            assert client.is_closed()
        with Client(served.port) as client:
            assert client.ask().status == 200
            assert client.is_closed()


def test_a_request_may_take_longer_than_that() -> None:
    with serving(QUICK) as served, Client(served.port) as client:
        client.send(request("/held?x"))
        until(lambda: served.application.held, "it waits")
        with Client(served.port) as other:
            assert other.is_closed()  # which took as long as connections may rest
        served.answer_held(0)
        assert client.answer().body == b"x"


def test_who_takes_nothing_is_not_read_from() -> None:
    with serving(Limits(body_s=1.0)) as served, Client(served.port) as client:
        client.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        for _ in range(100):
            client.send(request("/large?1000000", method="GET"))
        [connection] = until(lambda: served.listener.connections, "it is connected")
        until(lambda: connection.unwritten > 0, "an answer waits to be taken")
        assert connection.unwritten < 20_000_000
        assert len(served.application.seen) < 50
        until(lambda: not served.listener.connections, "it is closed")


def test_who_takes_slowly_gets_all() -> None:
    with serving(Limits(body_s=5.0)) as served, Client(served.port) as client:
        client.send(b"".join(request(f"/large?{1_000_000 + number}", method="GET") for number in range(40)))
        for number in range(40):
            assert len(client.answer().body) == 1_000_000 + number


def test_connections_have_a_limit() -> None:
    with serving(Limits(connections=3)) as served:
        clients = [Client(served.port) for _ in range(3)]
        for client in clients:
            client.send(request("/held"))
        until(lambda: len(served.application.held) == 3, "all wait")
        with Client(served.port) as refused:
            got = refused.answer()
            assert got.status == 503
            assert b"3 connections" in got.body
            assert got.headers["retry-after"] == "1"
        served.answer_held(0, 1, 2)
        assert [client.answer().status for client in clients] == [200] * 3
        with Client(served.port) as late:  # one that rests goes for it
            assert late.ask().status == 200
        assert clients[0].is_closed()
        for client in clients:
            client.socket.close()


@pytest.mark.long
def test_a_certificate(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    certify(certificate, key)
    ours = context(Tls(str(certificate), str(key)))
    theirs = ssl.create_default_context(cafile=str(certificate))
    with serving(tls=ours) as served:
        with Client(served.port, theirs) as client:
            for body in (b"one", b"x" * 1_000_000):
                assert client.ask(body=body).body == body
            client.send(request(body=b"1") + request(body=b"2", headers="Connection: close\r\n"))
            assert [client.answer().body, client.answer().body] == [b"1", b"2"]
            assert client.is_closed()
        with Client(served.port) as client:
            client.send(request())
            assert client.is_closed()


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("nothing")
    with pytest.raises(WebserviceException, match=r"not\.pem"):
        context(Tls(str(tmp_path / "not.pem"), str(tmp_path / "not.pem")))
    with pytest.raises(WebserviceException, match=r"missing\.pem"):
        context(Tls(str(tmp_path / "missing.pem"), str(tmp_path / "missing.pem")))


def test_lower_limits_hold_for_heads_that_came_before() -> None:
    with serving(Limits(body_bytes=1000)) as served, Client(served.port) as client:
        for _ in range(4):
            assert client.ask(body=b"x" * 100).status == 200
        served.call(lambda: served.listener.rebound(Bounds.of(Limits(body_bytes=99))))
        got = client.ask(body=b"x" * 100)
        assert got.status == 413
        assert b"99 bytes" in got.body


def test_many_different_heads_are_forgotten_again() -> None:
    with serving() as served, Client(served.port) as client:
        for number in range(600):
            for _ in range(2):
                assert client.ask(headers=f"X: {number}\r\n").status == 200
        assert len(served.listener.shared.known_heads._known) <= 512


def test_bodies_that_wait_for_their_answers_have_a_limit_together() -> None:
    bounds = replace(Bounds.of(Limits()), held_bytes=100_000)
    body = b"x" * 40_000
    with serving(bounds=bounds) as served, ExitStack() as clients:
        first, second, third, leaves = [clients.enter_context(Client(served.port)) for _ in range(4)]
        for number, client in enumerate((first, second), 1):
            client.send(request("/held?1", body))
            until(lambda: len(served.application.held) == number, "it is worked on")  # noqa: B023  called at once
        got = third.ask(body=body)
        assert (got.status, got.headers["retry-after"]) == (503, "1")
        assert b"100000 bytes together" in got.body
        served.answer_held(0)
        assert first.answer().status == 200
        assert first.ask(body=body).status == 200
        leaves.send(request("/held?2", body))
        until(lambda: len(served.application.held) == 3, "it is worked on, too")
        leaves.socket.close()
        served.answer_held(1, 2)
        assert second.answer().status == 200
        assert first.ask(body=body * 2).status == 200
        assert served.listener.shared.held == 0
