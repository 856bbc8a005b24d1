"""A server that goes away in the middle of an answer: the caller hears so, and keeps no half of anything."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import AnswerBroken, StoreUnavailable
from faena.kernel.transport import Transport


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[Transport]:
    """To somebody who sends the first chunk of each answer, announces a second, and is gone."""
    opened = Transport(tmp_path, start=False, patience=1)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Rendezvous(tmp_path).socket))
        listening.listen()
        answering = threading.Thread(target=break_off, args=(listening,))
        answering.start()
        yield opened
        opened.close()
        Rendezvous(tmp_path).connect(1).close()
        answering.join()
    Rendezvous(tmp_path).socket.unlink()


def break_off(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        with connection:
            if not connection.recv(65536):
                return  # the test is over
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n100\r\nef")


def test_what_is_read_as_it_comes(transport: Transport) -> None:
    with pytest.raises(AnswerBroken, match="broke off its answer"), transport.stream("GET", "/x") as answer:
        assert answer.read(4) == b"abcd"
        answer.read(4)


def test_a_download_leaves_no_half_of_a_file(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(AnswerBroken, match="broke off its answer"):
        transport.download("/x", tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_server_whose_database_is_away_is_asked_again(tmp_path: Path) -> None:
    """It has waited for it for a minute itself; others' 503 are told at once."""
    asked: list[bytes] = []

    def answer(listening: socket.socket) -> None:
        for code in ("DatabaseAway", "DatabaseAway", "StoreUnavailable"):
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65536))
                body = f'{{"code": "{code}", "message": "told"}}'.encode()
                head = f"HTTP/1.1 503 -\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Rendezvous(tmp_path).socket))
        listening.listen()
        answering = threading.Thread(target=answer, args=(listening,))
        answering.start()
        transport = Transport(tmp_path, start=False)
        with pytest.raises(StoreUnavailable, match="told"):
            transport.request("GET", "/x")
        transport.close()
        answering.join()
    Rendezvous(tmp_path).socket.unlink()
    assert len(asked) == 3
