"""A request to a server that is not ours ends, whatever that does."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from faena.kernel.bounded_requests import Answer, TooLarge, exchange

Says = Callable[[socket.socket], None]


@contextmanager
def saying(say: Says) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server that has read a request and says something then."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), connection:
            while b"\r\n\r\n" not in connection.recv(1 << 16):
                pass
            say(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=10)
    finally:
        listener.close()
        thread.join()


def answered(say: Says, *, seconds: float = 10.0, most: int = 100) -> Answer:
    with saying(say) as connection:
        return exchange(connection, "GET", "/", seconds=seconds, most=most)


def whole(text: str) -> Says:
    return lambda connection: connection.sendall(text.replace("\n", "\r\n").encode())


def drop_by_drop(begin: bytes) -> Says:
    """Never silent for long, and never at an end."""

    def say(connection: socket.socket) -> None:
        connection.sendall(begin)
        gone = threading.Event()
        while not gone.wait(0.02):
            connection.sendall(b"x")

    return say


def test_a_whole_answer() -> None:
    assert answered(whole("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi")) == Answer(200, b"hi")
    assert answered(whole("HTTP/1.1 302 Found\nLocation: /other\n\n")).status == 302
    assert answered(whole("HTTP/1.1 200 OK\nContent-Length: 5000\n\n"), most=0) == Answer(200, b"")


@pytest.mark.parametrize("head", ["Content-Length: 101\n", "Content-Length: 99999999999999999999\n", ""])
def test_one_that_is_too_large(head: str) -> None:
    with pytest.raises(TooLarge, match="more than 100 bytes"):
        answered(whole(f"HTTP/1.1 200 OK\n{head}\n{'x' * 101}"))


def test_one_that_breaks_off() -> None:
    with pytest.raises(http.client.IncompleteRead):
        answered(whole("HTTP/1.1 200 OK\nContent-Length: 9\n\nhi"))


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n",
    ],
)
def test_one_that_trickles(begin: bytes) -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.3 s"):
        answered(drop_by_drop(begin), seconds=0.3, most=1 << 20)
