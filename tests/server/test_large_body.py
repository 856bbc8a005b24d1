"""Large bodies of requests go past the parser: whole, in few parts, within the listener's bounds, and what follows is
read as ever."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import queue
import socket
import ssl
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from faena.server.listener.bounds import Bounds
from faena.server.listener.protocol import bounded
from faena.server.listener.second import SecondServer
from faena.server.node_listener import certificate

PATIENCE = 60.0
BOUNDS = Bounds(connections=6, head_bytes=2000, address_bytes=500, unread_bytes=3 << 20)
LARGE = 9 << 20


class Application:
    """Takes the body of a PUT and answers with its digest; refuses one to /refused; `goes_on`: when it reads."""

    def __init__(self) -> None:
        self.parts: list[int] = []
        self.heard: queue.Queue[tuple[int, bool]] = queue.Queue()
        """Of each request how many bytes came, and whether that was all."""
        self.goes_on = threading.Event()
        self.goes_on.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/refused":
            await self._answer(send, 413, b"no")
            return
        await asyncio.to_thread(self.goes_on.wait, PATIENCE)
        hasher, size = hashlib.sha256(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.heard.put((size, False))
                return
            hasher.update(message["body"])
            size += len(message["body"])
            self.parts.append(len(message["body"]))
            if not message["more_body"]:
                break
        self.heard.put((size, True))
        await self._answer(send, 200, hasher.hexdigest().encode())

    async def _answer(self, send: Any, status: int, body: bytes) -> None:
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def listening(application: Application, folder: Path | None) -> Iterator[int]:
    """At a port; with TLS where there is a folder for a certificate."""
    place = socket.create_server(("127.0.0.1", 0))
    own = certificate.own(folder, ["127.0.0.1"]) if folder else None
    config = uvicorn.Config(
        application,
        http=bounded(BOUNDS),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        ssl_certfile=str(own.certificate) if own else None,
        ssl_keyfile=str(own.key) if own else None,
    )
    server = SecondServer(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[place])))
    thread.start()
    try:
        yield int(place.getsockname()[1])
    finally:
        application.goes_on.set()
        server.should_exit = True
        thread.join(PATIENCE)
        place.close()


@contextmanager
def connected(port: int, *, encrypted: bool) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        if not encrypted:
            yield plain
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain) as secure:
            yield secure


def head(size: int, path: str = "/") -> bytes:
    return f"PUT {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n\r\n".encode()


def answer(peer: socket.socket, size: int) -> bytes:
    """The body of the next answer, which has so many bytes; what follows is left to be read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _some(peer, 1, head)
    body = b""
    while len(body) < size:
        body += _some(peer, size - len(body), head)
    return body


def _some(peer: socket.socket, most: int, said: bytes) -> bytes:
    part = peer.recv(most)
    assert part, f"it ended after {said!r}"
    return part


@pytest.fixture(params=["plain", "encrypted"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "own" if request.param == "encrypted" else None


def test_a_large_body_comes_whole_in_few_parts_and_the_connection_serves_on(folder: Path | None) -> None:
    application, bodies = Application(), [os.urandom(LARGE + odd) for odd in (0, 7)]
    with (
        listening(application, folder) as port,
        connected(port, encrypted=folder is not None) as peer,
    ):
        for body in (*bodies, b"small"):
            peer.sendall(head(len(body)) + body)
            assert answer(peer, 64).decode() == hashlib.sha256(body).hexdigest()
    assert len(application.parts) <= 2 * 12  # not hundreds of 32 KiB


def test_a_request_that_follows_before_the_answer_is_read_after_the_body(folder: Path | None) -> None:
    body, application = os.urandom(LARGE), Application()
    with (
        listening(application, folder) as port,
        connected(port, encrypted=folder is not None) as peer,
    ):
        peer.sendall(head(len(body)) + body + head(5) + b"small")
        assert answer(peer, 64).decode() == hashlib.sha256(body).hexdigest()
        assert answer(peer, 64).decode() == hashlib.sha256(b"small").hexdigest()


def test_what_came_of_a_body_that_breaks_off_is_handed_on(folder: Path | None) -> None:
    application, sent = Application(), (5 << 20) + 123
    with listening(application, folder) as port:
        with connected(port, encrypted=folder is not None) as peer:
            peer.sendall(head(LARGE) + bytes(sent))
            if isinstance(peer, ssl.SSLSocket):
                peer = peer.unwrap()
            peer.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                peer.recv(1)
        assert application.heard.get(timeout=PATIENCE) == (sent, False)


def test_a_sender_whose_body_nobody_reads_has_to_wait(folder: Path | None) -> None:
    application = Application()
    application.goes_on.clear()
    body = bytes(64 << 20)
    with (
        listening(application, folder) as port,
        connected(port, encrypted=folder is not None) as peer,
    ):
        peer.settimeout(0.5)
        with pytest.raises(TimeoutError):
            peer.sendall(head(len(body)) + body)


def test_the_rest_of_a_body_that_was_refused_is_thrown_away_within_bounds(folder: Path | None) -> None:
    with listening(Application(), folder) as port, connected(port, encrypted=folder is not None) as peer:
        peer.sendall(head(2 << 20, "/refused"))
        assert answer(peer, 2) == b"no"
        peer.sendall(bytes(2 << 20) + head(5) + b"small")
        assert answer(peer, 64).decode() == hashlib.sha256(b"small").hexdigest()
        peer.sendall(head(LARGE, "/refused"))
        assert answer(peer, 2) == b"no"
        with pytest.raises(OSError):
            peer.sendall(bytes(LARGE))
            while peer.recv(4096):
                pass
            raise ConnectionResetError


def test_a_connection_that_has_ended_needs_no_collector(folder: Path | None) -> None:
    gone: queue.Queue[None] = queue.Queue()

    class Seen(Application):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            weakref.finalize(send.__self__.plain.get_protocol(), gone.put, None)
            await super().__call__(scope, receive, send)

    gc.disable()
    try:
        with listening(Seen(), folder) as port:
            with connected(port, encrypted=folder is not None) as peer:
                peer.sendall(head(5) + b"small")
                answer(peer, 64)
            gone.get(timeout=PATIENCE)
    finally:
        gc.enable()
