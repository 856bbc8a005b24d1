"""What HTTP/1.1 asks of a server, and what it must refuse: by bytes, against a listener that answers by itself."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import Iterator

import pytest

from faena.scoring.desired import Limits
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.listener import Listener, bind
from faena.testing.waiting import until
from tests.scoring.listening import Client, Echo, Served, request, serving


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as made:
        yield made


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.port) as made:
        yield made


def test_a_request_is_answered_and_the_next_one_too(client: Client) -> None:
    for body in (b"one", b"", b"\x00\xff" * 100_000, b"last"):
        got = client.ask(body=body)
        assert (got.status, got.body) == (200, body)
        assert got.headers["content-type"] == "text/plain"
        assert "date" in got.headers
        assert "connection" not in got.headers


def test_byte_by_byte(client: Client) -> None:
    for byte in request(body=b"slowly"):
        client.send(bytes([byte]))
    assert client.answer().body == b"slowly"


def test_chunks(client: Client) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.send(head + b"3\r\nabc\r\n4;name=value\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n")
    assert client.answer().body == b"abcdefg"
    client.send(head + b"0\r\n\r\n")
    assert client.answer().body == b""


def test_trailers_are_no_headers(served: Served, client: Client) -> None:
    client.send(b"POST /echo?trailers HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b"1\r\na\r\n0\r\nAuthorization: Bearer key\r\n\r\n")
    assert client.answer().status == 200
    seen = next(each for each in served.application.seen if each.query == b"trailers")
    assert [name for name, _ in seen.headers] == [b"host", b"transfer-encoding"]


def test_pipelined_requests_are_answered_in_their_order(served: Served) -> None:
    with Client(served.port) as client:
        before = len(served.application.held)
        client.send(b"".join(request(f"/held?{number}", b"x") for number in range(3)) + request(body=b"last"))
        until(lambda: len(served.application.held) == before + 3, "three requests wait")
        served.answer_held(before + 2, before)
        assert client.answer().body == b"0"
        served.answer_held(before + 1)
        assert [client.answer().body for _ in range(3)] == [b"1", b"2", b"last"]


def test_thousands_of_pipelined_requests(client: Client) -> None:
    client.send(b"".join(request(body=b"%d" % number) for number in range(3000)))
    assert [client.answer().body for _ in range(3000)] == [b"%d" % number for number in range(3000)]


def test_a_body_is_sent_once_it_is_asked_for(client: Client) -> None:
    client.send(b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.answer().status == 100
    client.send(b"abc")
    assert client.answer().body == b"abc"


def test_who_does_not_wait_to_be_asked_is_not_asked(client: Client) -> None:
    client.send(request(body=b"abc", headers="Expect: 100-continue\r\n"))
    assert client.answer().status == 200


def test_a_body_that_would_be_refused_is_not_asked_for(client: Client) -> None:
    client.send(b"POST /refused HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    got = client.answer()
    assert (got.status, got.headers["connection"]) == (401, "close")
    assert client.is_closed()


def test_asked_for_after_the_answers_before_it(served: Served) -> None:
    with Client(served.port) as client:
        before = len(served.application.held)
        client.send(request("/held?first"))
        client.send(b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        until(lambda: len(served.application.held) > before, "a request waits")
        served.answer_held(before)
        assert client.answer().body == b"first"
        assert client.answer().status == 100
        client.send(b"abc")
        assert client.answer().body == b"abc"


def test_another_expectation_is_refused(client: Client) -> None:
    got = client.ask(body=b"abc", headers="Expect: money\r\n")
    assert got.status == 417
    assert b"money" in got.body


def test_head_has_no_body(client: Client) -> None:
    got = client.ask("/large?1000", method="HEAD")
    assert (got.status, got.headers["content-length"]) == (200, "1000")
    assert client.ask(body=b"next").body == b"next"


def test_a_refused_body_is_read_and_the_connection_stays(client: Client) -> None:
    got = client.ask("/refused", b"x" * 1000)
    assert (got.status, "connection" in got.headers) == (401, False)
    assert client.ask(body=b"next").body == b"next"


def test_a_long_refused_body_is_not_taken(client: Client) -> None:
    client.send(b"POST /refused HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
    got = client.answer()
    assert (got.status, got.headers["connection"]) == (401, "close")
    assert client.is_closed()


def test_who_wants_to_close_is_closed(client: Client) -> None:
    got = client.ask(body=b"abc", headers="Connection: close\r\n")
    assert (got.body, got.headers["connection"]) == (b"abc", "close")
    assert client.is_closed()


def test_http_1_0(served: Served) -> None:
    with Client(served.port) as client:
        client.send(b"POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
        got = client.answer()
        assert (got.body, got.headers["connection"]) == (b"abc", "close")
        assert client.is_closed()
    with Client(served.port) as client:
        for _ in range(2):
            client.send(b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc")
            got = client.answer()
            assert (got.body, got.headers["connection"]) == (b"abc", "keep-alive")


def test_what_comes_after_the_last_request_is_not_read(client: Client) -> None:
    client.send(request(body=b"abc", headers="Connection: close\r\n") + request(body=b"more"))
    assert client.answer().body == b"abc"
    assert client.is_closed()


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_an_offered_protocol_is_not_taken(client: Client, body: bytes) -> None:
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    client.send(request(body=body, headers=offer) + request(body=b"next"))
    assert client.answer().body == body
    assert client.answer().body == b"next"


def test_an_offered_protocol_whose_body_comes_later(client: Client) -> None:
    client.send(
        b"POST /echo HTTP/1.1\r\nHost: here\r\nConnection: upgrade, close\r\nUpgrade: x\r\nContent-Length: 6\r\n\r\nabc"
    )
    client.send(b"def")
    got = client.answer()
    assert (got.body, got.headers["connection"]) == (b"abcdef", "close")
    assert client.is_closed()


def test_a_client_that_sends_no_more_is_answered(served: Served) -> None:
    with Client(served.port) as client:
        before = len(served.application.held)
        client.send(request("/held?half") + request(body=b"second"))
        client.socket.shutdown(sockets.SHUT_WR)
        until(lambda: len(served.application.held) > before, "a request waits")
        served.answer_held(before)
        assert [client.answer().body, client.answer().body] == [b"half", b"second"]
        assert client.is_closed()


def test_a_client_that_leaves_harms_nobody(served: Served, client: Client) -> None:
    before, answered = len(served.application.held), served.application.counts[200]
    with Client(served.port) as leaving:
        leaving.send(request("/held?left") + request("/held?left"))
        until(lambda: len(served.application.held) == before + 2, "two requests wait")
    served.answer_held(before + 1, before)
    assert served.application.counts[200] == answered + 2
    assert client.ask(body=b"abc").status == 200
    until(lambda: len(served.listener.connections) <= 1, "it has been closed here, too")


def test_targets(served: Served, client: Client) -> None:
    for target, path, query in [
        ("/a%20b/%C3%A9?x=%20#f", "/a b/é", b"x=%20"),
        ("http://here:80/score?x=1", "/score", b"x=1"),
        ("http://here", "/", b""),
        ("/%ff?", "/\ufffd", b""),
        ("//a/../b", "//a/../b", b""),
        ("*", "*", b""),
    ]:
        assert client.ask(target, method="OPTIONS").status == 200
        assert (served.application.seen[-1].path, served.application.seen[-1].query) == (path, query)


def test_headers_are_as_they_came(served: Served, client: Client) -> None:
    client.ask("/echo?headers", headers="X-One: 1\r\nx-TWO:  a b \r\nX-one: 2\r\n")
    seen = next(each for each in served.application.seen if each.query == b"headers")
    assert [each for each in seen.headers if each[0].startswith(b"x-")] == [
        (b"x-one", b"1"),
        (b"x-two", b"a b"),
        (b"x-one", b"2"),
    ]
    assert seen.header(b"x-one") == b"1"


def test_an_answer_cannot_forge_another(client: Client) -> None:
    got = client.ask("/split")
    assert got.headers["x-good"] == "1"
    assert not {"x-bad", "x-smuggled", "Date"} & got.headers.keys()
    assert client.ask(body=b"next").body == b"next"


def test_small_answers_wait_for_nothing(served: Served, client: Client) -> None:
    client.ask()
    options: list[int] = []
    served.call(
        lambda: options.extend(
            each.transport.get_extra_info("socket").getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY)
            for each in served.listener.connections
            if each.transport
        )
    )
    assert options
    assert all(options)


HEAD = b"POST /echo HTTP/1.1\r\nHost: here\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "named"),
    [
        (HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, b"Content-Length"),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, b"Content-Length"),
        (HEAD + b"Content-Length: 3, 3\r\n\r\nabc", 400, b"Content-Length"),
        (HEAD + b"Content-Length: -3\r\n\r\nabc", 400, b"Content-Length"),
        (HEAD + b"Content-Length: 9999999999999999999999\r\n\r\nabc", 400, b"Content-Length"),
        (HEAD + b"Content-Length: 9999999999999999\r\n\r\nabc", 413, b"max_body_bytes"),
        (
            HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            b"Transfer-Encoding",
        ),
        (
            HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            400,
            b"Transfer-Encoding",
        ),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, b"gzip"),
        (HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, b"Transfer-Encoding"),
        (HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, b"header"),
        (HEAD + b"Transfer-Encoding: identity\r\n\r\n", 501, b"identity"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400, b"chunk size"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n", 400, b"chunk size"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nabc\r\n", 400, b"hunk size"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400, b"HTTP/1.1"),
        (HEAD + b"X: a\r\n folded\r\n\r\n", 400, b"whitespace"),
        (HEAD + b"X: a\x00b\r\n\r\n", 400, b"header"),
        (HEAD + b"X: a\rb\r\n\r\n", 400, b"header"),
        (HEAD + b": a\r\n\r\n", 400, b"header"),
        (HEAD + b"X Y: a\r\n\r\n", 400, b"header"),
        (HEAD + b"Host: there\r\n\r\n", 400, b"2 Host"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"0 Host"),
        (b"GET / HTTP/1.1\nHost: here\n\n", 400, b"CRLF"),
        (b"GET / HTTP/1.1\r\nHost: here\n\r\n", 400, b"CR"),
        (b"GET /\r\n\r\n", 505, b"0.9"),
        (b"GET / HTTP/2.0\r\nHost: here\r\n\r\n", 505, b"2.0"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, b"HTTP/1.1"),
        (b"GET / HTTP/9.9\r\nHost: here\r\n\r\n", 400, b"version"),
        (b"GET /a b HTTP/1.1\r\nHost: here\r\n\r\n", 400, b"HTTP/1.1"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: here\r\n\r\n", 400, b"url"),
        (b"BREW / HTTP/1.1\r\nHost: here\r\n\r\n", 400, b"method"),
        (b"get / HTTP/1.1\r\nHost: here\r\n\r\n", 400, b"method"),
        (b"CONNECT there:80 HTTP/1.1\r\nHost: there\r\n\r\n", 405, b"proxy"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, 400, b"HTTP/1.1"),
        (b"\x00" * 100_000, 400, b"HTTP/1.1"),
        (b"x" * 1_000_000, 400, b"HTTP/1.1"),
    ],
)
def test_what_is_refused(served: Served, sent: bytes, status: int, named: bytes) -> None:
    before = served.application.counts[status]
    with Client(served.port) as client:
        client.send(request(body=b"first"))
        assert client.answer().body == b"first"
        client.send(sent)
        got = client.answer()
        assert got.status == status, got
        assert named in got.body, got
        assert got.headers["connection"] == "close"
        assert client.is_closed()
    assert served.application.counts[status] == before + 1


def test_a_refusal_waits_for_the_answers_before_it(served: Served) -> None:
    with Client(served.port) as client:
        before = len(served.application.held)
        client.send(request("/held?first") + b"nonsense\r\n\r\n")
        until(lambda: len(served.application.held) > before, "a request waits")
        served.answer_held(before)
        assert client.answer().body == b"first"
        assert client.answer().status == 400
        assert client.is_closed()


def test_a_head_that_comes_again_and_again(served: Served) -> None:
    """It is parsed twice only; what comes with it is another matter each time."""
    one = request("/echo?again", b"12345")
    with Client(served.port) as client:
        for _ in range(5):
            client.send(one)
            assert client.answer().body == b"12345"
        assert served.listener.shared.known_heads.get(one[:-5]) is not None
        client.send(one[:-2])
        client.send(one[-2:] + one + one[:-7])
        client.send(one[-7:])
        assert [client.answer().body for _ in range(3)] == [b"12345"] * 3
        client.send(one[:-5] + b"abcde" + request(body=b"other"))
        assert [client.answer().body for _ in range(2)] == [b"abcde", b"other"]
        client.send(one[:-5] + b"\r\n\r\n\n")
        assert client.answer().body == b"\r\n\r\n\n"
        client.send(one + b"nonsense\r\n\r\n")
        assert [client.answer().status for _ in range(2)] == [200, 400]


def test_a_refused_head_that_comes_again(served: Served) -> None:
    with Client(served.port) as client:
        for _ in range(4):
            assert client.ask("/refused", b"again").status == 401
        assert client.ask(body=b"next").body == b"next"


def test_a_special_head_is_never_known(served: Served) -> None:
    special = [
        b"POST /echo HTTP/1.1\r\nHost: special\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: special\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n1",
        b"POST /echo HTTP/1.0\r\nHost: special\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1",
        b"\r\n\r\nPOST /echo HTTP/1.1\r\nHost: special\r\nContent-Length: 1\r\n\r\n1",
    ]
    with Client(served.port) as client:
        for sent in special:
            for _ in range(4):
                client.send(sent)
                assert client.answer().status == 200
            head = sent[: sent.find(b"\r\n\r\n") + 4]
            assert served.listener.shared.known_heads.get(head) is None


@pytest.mark.parametrize("turns", range(4))
def test_who_connects_while_another_listener_takes_the_place_is_answered(turns: int) -> None:
    async def story() -> bytes:
        loop = asyncio.get_running_loop()
        application = Echo()
        listener = Listener(application, Bounds.of(Limits()))
        with bind("127.0.0.1", 0) as socket:
            await listener.listen(socket.dup())
            with sockets.create_connection(socket.getsockname(), timeout=10) as client:
                client.setblocking(False)
                for _ in range(turns):
                    await asyncio.sleep(0)
                listener.stop_listening()
                await listener.listen(socket.dup())
                await loop.sock_sendall(client, b"GET /echo HTTP/1.1\r\nhost: here\r\n\r\n")
                async with asyncio.timeout(30):
                    answer = await loop.sock_recv(client, 100)
            await listener.drain(0.0)
        return answer

    assert asyncio.run(story()).startswith(b"HTTP/1.1 200")


def all_end(served: Served) -> None:
    for connection in served.listener.connections:
        connection.let_end()


def test_a_connection_that_is_to_end_says_so_in_its_last_answer() -> None:
    with (
        serving() as served,
        Client(served.port) as idle,
        Client(served.port) as sends,
        Client(served.port) as waits,
    ):
        assert idle.ask(body=b"1").status == 200
        sends.send(request(body=b"12")[:-1])
        waits.send(request("/held?0"))
        until(lambda: served.application.held and len(served.listener.connections) == 3, "they are there")
        served.call(lambda: all_end(served))
        sends.send(b"2")
        served.answer_held(0)
        for client, got in ((sends, sends.answer()), (waits, waits.answer()), (idle, idle.ask(body=b"3"))):
            assert (got.status, got.headers["connection"]) == (200, "close")
            assert client.is_closed()


def test_what_comes_behind_the_last_answer_is_not_worked_on() -> None:
    with serving() as served, Client(served.port) as client:
        client.send(request("/held?0"))
        until(lambda: served.application.held, "it is there")
        served.call(lambda: all_end(served))
        client.send(request(body=b"2") + request(body=b"3"))
        with Client(served.port) as other:
            assert other.ask(body=b"later").status == 200  # by then they have been read
        served.answer_held(0)
        assert client.answer().headers["connection"] == "close"
        assert client.is_closed()
    assert [each.body for each in served.application.seen] == [b"", b"later"]
