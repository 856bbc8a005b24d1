"""Answers on a connection: a small one is one write, a head waits for no body, the kernel sends files."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from faena.server.listener.cycle import SENDS_FILES
from tests.server.test_large_body import PATIENCE, connected, listening

SIZE = 5 << 20
_ASK = b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n"


class Application:
    """Answers with a small body, one that comes when it is let, or a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.goes_on = threading.Event()
        self.offered = False
        self.sent = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size = SIZE if scope["path"] == "/file" else 5
        headers = [(b"content-length", b"%d" % size)]
        self.offered = SENDS_FILES in (scope.get("extensions") or {})
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/file":
            await self._send_file(send)
            self.sent.set()
            return
        if scope["path"] == "/late":
            await asyncio.to_thread(self.goes_on.wait, PATIENCE)
        await send({"type": "http.response.body", "body": b"hello"})

    async def _send_file(self, send: Any) -> None:
        with self.file.open("rb") as file:
            for offset, count in ((0, SIZE - 100), (SIZE - 100, 100)):
                more = offset == 0
                given = {"file": file, "offset": offset, "count": count, "more_body": more}
                await send({"type": SENDS_FILES, **given})


@pytest.fixture
def application(tmp_path: Path) -> Application:
    file = tmp_path / "file"
    file.write_bytes(os.urandom(SIZE))
    return Application(file)


@contextmanager
def opened(application: Application, folder: Path | None = None) -> Iterator[int]:
    with listening(application, folder) as port:  # type: ignore[arg-type]  # it has the same events
        yield port


@contextmanager
def connection(application: Application) -> Iterator[socket.socket]:
    with opened(application) as port, connected(port, encrypted=False) as peer:
        yield peer


def _answer(peer: socket.socket, size: int) -> bytes:
    said = b""
    while len(said.partition(b"\r\n\r\n")[2]) < size:
        part = peer.recv(1 << 20)
        assert part, f"it ended after {len(said)} bytes"
        said += part
    return said.partition(b"\r\n\r\n")[2]


def test_a_small_answer_is_one_write(application: Application) -> None:
    with connection(application) as peer:
        peer.sendall(_ASK % b"")
        assert peer.recv(1 << 16).endswith(b"\r\n\r\nhello")


def test_a_head_comes_before_a_body_that_is_not_there_yet(application: Application) -> None:
    with connection(application) as peer:
        peer.sendall(_ASK % b"late")
        assert peer.recv(1 << 16).endswith(b"\r\n\r\n")
        application.goes_on.set()
        assert peer.recv(1 << 16) == b"hello"


def test_a_file_is_sent_whole_and_the_connection_serves_on(application: Application) -> None:
    with connection(application) as peer:
        for _ in range(2):
            peer.sendall(_ASK % b"file")
            assert _answer(peer, SIZE) == application.file.read_bytes()
        peer.sendall(_ASK % b"")
        assert _answer(peer, 5) == b"hello"


def test_a_reader_that_goes_away_ends_the_sending_of_a_file(application: Application) -> None:
    with opened(application) as port:
        with connected(port, encrypted=False) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
            peer.sendall(_ASK % b"file")
            assert peer.recv(1000)
        assert application.sent.wait(PATIENCE)
        with connected(port, encrypted=False) as peer:
            peer.sendall(_ASK % b"")
            assert _answer(peer, 5) == b"hello"


def test_a_file_is_offered_to_no_encrypted_connection(application: Application, tmp_path: Path) -> None:
    with opened(application, tmp_path / "own") as port, connected(port, encrypted=True) as peer:
        peer.sendall(_ASK % b"")
        assert _answer(peer, 5) == b"hello"
    assert not application.offered
