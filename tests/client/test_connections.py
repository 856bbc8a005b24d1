"""What is asked over connections that are kept, and what is made of answers that are none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse

import pytest

from faena.kernel.connections import Answer, Broken, Connections, NotConnected

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcdefgh"
CUT = WHOLE[:-3]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n"
CUT_IN_A_CHUNK = CHUNKED[:-11]


class Server:
    """The other end of each connection, which the test plays: what it says lies there before it is asked."""

    def __init__(self) -> None:
        self.says: list[bytes] = []
        """On the next connections, each of which ends after it where it is cut."""
        self.says_when_asked: list[bytes] = []
        self.ends: list[socket.socket] = []
        self.connections = Connections(self.make)

    def make(self, seconds: float) -> HTTPConnection:
        ours, theirs = socket.socketpair()
        self.ends.append(theirs)
        said = self.says.pop(0)
        theirs.sendall(said)
        if said in (CUT, CUT_IN_A_CHUNK, b""):
            theirs.shutdown(socket.SHUT_WR)
        return _Given(ours, theirs, self.says_when_asked)

    def ask(self, *, preload: bool = True, body: bytes | None = None, target: str = "/x") -> Answer:
        return self.connections.ask("PUT", target, body, {}, connecting=5.0, answering=0.2, preload=preload)

    def heard(self, number: int = 0) -> bytes:
        return self.ends[number].recv(1 << 16)


class _Given(HTTPConnection):
    def __init__(self, end: socket.socket, theirs: socket.socket, says: list[bytes]) -> None:
        super().__init__("localhost")
        self._end, self._theirs, self._says = end, theirs, says

    def connect(self) -> None:
        self.sock = self._end

    def getresponse(self) -> HTTPResponse:
        if self._says:
            self._theirs.sendall(self._says.pop(0))
        return super().getresponse()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.connections.close()
    for end in made.ends:
        end.close()


def test_one_connection_serves_one_request_after_the_other(server: Server) -> None:
    server.says = [WHOLE]
    server.says_when_asked = [b"", CHUNKED, WHOLE]
    assert [server.ask(body=b"1").data for _ in range(3)] == [b"abcdefgh"] * 3
    assert len(server.ends) == 1
    assert server.heard().count(b"PUT /x HTTP/1.1\r\n") == 3


def test_what_was_said_unasked_is_no_answer(server: Server) -> None:
    server.says = [WHOLE, CHUNKED]
    server.ask()
    server.ends[0].sendall(WHOLE)
    assert server.ask().data == b"abcdefgh"
    assert len(server.ends) == 2


def test_a_connection_that_the_server_ended_is_not_used_again(server: Server) -> None:
    server.says = [WHOLE, WHOLE]
    server.ask()
    server.ends[0].close()
    assert server.ask().data == b"abcdefgh"
    assert len(server.ends) == 2


@pytest.mark.parametrize("said", [WHOLE, CHUNKED])
def test_ways_to_read(server: Server, said: bytes) -> None:
    server.says, server.says_when_asked = [said], [b"", said, said, said]
    with closing(server.ask(preload=False)) as answer:
        assert answer.read() == b"abcdefgh"
    with closing(server.ask(preload=False)) as answer:
        assert (answer.read(3), answer.read(9), answer.read(1)) == (b"abc", b"defgh", b"")
    with closing(server.ask(preload=False)) as answer:
        assert b"".join(answer.parts(3)) == b"abcdefgh"
    with closing(server.ask(preload=False)) as answer:
        assert answer.read1(2) == b"ab"


@pytest.mark.parametrize("said", [CUT, CUT_IN_A_CHUNK])
def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(server: Server, said: bytes) -> None:
    server.says = [said] * 4
    with pytest.raises(Broken):
        server.ask()
    with closing(server.ask(preload=False)) as answer, pytest.raises(Broken):
        answer.read()
    with closing(server.ask(preload=False)) as answer:
        assert answer.read(4) == b"abcd"
        with pytest.raises(Broken):
            answer.read(4)
    with closing(server.ask(preload=False)) as answer, pytest.raises(Broken):
        list(answer.parts(3))


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"HTTP/1.1 200 OK\r\nA"]
)
def test_what_is_no_answer(server: Server, said: bytes) -> None:
    server.says = [said]
    with pytest.raises(Broken, match=r"."):
        server.ask()


def test_who_says_nothing_in_time(server: Server) -> None:
    server.says = [b"HTTP/1.1 200 OK\r\n"]
    with pytest.raises(Broken, match="timed out"):
        server.ask()


def test_who_answers_before_it_has_heard_all_is_understood(server: Server) -> None:
    server.says = [b"HTTP/1.1 413 Too large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"]
    made = server.connections._make

    def deaf(seconds: float) -> HTTPConnection:
        connection = made(seconds)
        server.ends[0].shutdown(socket.SHUT_RD)
        return connection

    server.connections._make = deaf
    answer = server.ask(body=b"x" * (8 << 20))
    assert (answer.status, answer.data) == (413, b"no!")


def test_an_address_is_sent_in_ascii(server: Server) -> None:
    server.says = [WHOLE]
    server.ask(target="/files/Zoë 1?a=%20&b=[1]")
    assert server.heard().startswith(b"PUT /files/Zo%C3%AB%201?a=%20&b=[1] HTTP/1.1\r\n")


def test_nobody_listens(server: Server) -> None:
    def refused(seconds: float) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", 1, timeout=seconds)

    with pytest.raises(NotConnected, match="refused"):
        Connections(refused).ask("GET", "/", None, {}, connecting=1, answering=1, preload=True)


def test_an_answer_that_is_closed_twice_gives_its_connection_back_once(server: Server) -> None:
    server.says, server.says_when_asked = [WHOLE, WHOLE], [b"", WHOLE, b""]
    server.ask().close()
    first = server.ask(preload=False, body=b"1")
    second = server.ask()
    assert (first.status, second.data) == (200, b"abcdefgh")
    first.close()
    assert len(server.ends) == 2
