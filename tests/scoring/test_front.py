"""What an endpoint answers at its port: keys, ids, paths of three protocols, counts. Its workers are fakes."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from faena.scoring.desired import Endpoint, Revision
from faena.scoring.endpoint import Revisions
from faena.scoring.front import Front
from faena.scoring.history import History
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.listener import Listener, bind
from faena.scoring.metrics import Metrics
from faena.scoring.status import State
from faena.testing.waiting import until
from tests.scoring.fakes import Fakes
from tests.scoring.listening import Client, Got, request

KEY = "Authorization: Bearer first\r\n"
PATHS = [
    "/",
    "/score",
    "/swagger.json",
    "/openapi.json",
    "/invocations",
    "/ping",
    "/health",
    "/version",
    "/metrics",
    "/metrics/recent",
]
OIP_PATHS = ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/digits", "/v2/models/digits/ready"]


@dataclass(frozen=True)
class Fronted:
    port: int
    front: Front
    fakes: Fakes
    endpoint: Endpoint
    loop: asyncio.AbstractEventLoop

    def ask(self, path: str, body: bytes = b"", *, method: str = "GET", headers: str = KEY) -> Got:
        with Client(self.port) as client:
            return client.ask(path, body, method=method, headers=headers)

    def json(self, path: str) -> Any:
        got = self.ask(path)
        assert got.status == 200
        return json.loads(got.body)


def endpoint(**how: Any) -> Endpoint:
    revision = Revision(id=3, python="/p", app="/a", entry="score.py", models=[("digits-model", "7")])
    return Endpoint(**{"name": "digits", "keys": ["first", "second"], "revisions": [revision], **how})


def history(metrics: Metrics, revisions: Revisions) -> History:
    made = History(metrics, revisions.scorers, lambda: (1, 0))
    made.stand()
    return made


@contextmanager
def fronted(state: State = State.HEALTHY, **how: Any) -> Iterator[Fronted]:
    ready: list[Fronted] = []
    started = threading.Event()
    stop: list[asyncio.Event] = []

    async def main() -> None:
        wanted, fakes, metrics = endpoint(**how), Fakes(), Metrics()
        revisions = Revisions(fakes.start, metrics, lambda: None)
        front = Front(wanted, revisions, metrics, lambda: (1, 0), history(metrics, revisions))
        listener = Listener(front, Bounds.of(wanted.limits))
        socket = bind("127.0.0.1", 0)
        await listener.listen(socket)
        revisions.want(wanted)
        fakes[0].be(state, "init() failed" if state is State.FAILED else None)
        await asyncio.sleep(0)
        stop.append(asyncio.Event())
        loop = asyncio.get_running_loop()
        ready.append(Fronted(socket.getsockname()[1], front, fakes, wanted, loop))
        started.set()
        await stop[0].wait()
        await listener.drain(0.0)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert started.wait(30)
        yield ready[0]
    finally:
        if ready:
            ready[0].loop.call_soon_threadsafe(stop[0].set)
        thread.join(30)


@pytest.fixture(scope="module")
def front() -> Iterator[Fronted]:
    with fronted() as made:
        yield made


WRONG = [
    "",
    "Authorization: first\r\n",
    *(
        f"Authorization: Bearer {key}\r\n"
        for key in (
            "third",
            "firs",
            "first second",
            "first, second",
            "f\u00efrst",
        )
    ),
]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_nothing_is_answered_without_a_key(front: Fronted, method: str) -> None:
    asked = len(front.fakes[0].asked)
    with Client(front.port) as client:
        for path in (*PATHS, *OIP_PATHS, "/v2/models/digits/infer", "/nowhere", "*"):
            for wrong in WRONG:
                got = client.ask(path, method=method, headers=wrong)
                assert got.status == 401, (path, wrong, got)
                assert got.headers["www-authenticate"] == "Bearer"
                if method != "HEAD":
                    assert set(json.loads(got.body)) == {"error" if path.startswith("/v2") else "message"}
    assert len(front.fakes[0].asked) == asked


def test_two_keys_are_one_too_many(front: Fronted) -> None:
    for two in (KEY + KEY, KEY + "Authorization: Bearer x\r\n", "Authorization: Bearer x\r\n" + KEY):
        assert front.ask("/", headers=two).status == 400


def test_both_keys_open(front: Fronted) -> None:
    for key in ("Bearer first", "Bearer second", "bearer first", "BEARER  second"):
        assert front.ask("/", headers=f"Authorization: {key}\r\n").status == 200


def test_without_keys_everybody_may() -> None:
    with fronted(keys=None) as front:
        assert front.ask("/score", b"{}", method="POST", headers="").status == 200


def test_score(front: Fronted) -> None:
    asked = len(front.fakes[0].asked)
    got = front.ask("/score?a=1", b'{"data": [7]}', method="POST")
    assert (got.status, got.body) == (200, b"3")
    request_, route = front.fakes[0].asked[asked]
    assert (request_.body, request_.query, route) == (b'{"data": [7]}', b"a=1", "score")
    assert front.ask("/score?a=1").status == 200
    assert front.fakes[0].asked[-1][0].method == "GET"


@pytest.mark.parametrize(
    ("path", "method", "status", "allowed"),
    [
        ("/score", "PUT", 405, "GET, POST, OPTIONS"),
        ("/score", "HEAD", 405, "GET, POST, OPTIONS"),
        ("/score", "OPTIONS", 200, "GET, POST, OPTIONS"),
        ("/", "POST", 405, "GET, HEAD, OPTIONS"),
        ("/invocations", "GET", 405, "POST, OPTIONS"),
        ("/v2/models/digits/infer", "GET", 405, "POST, OPTIONS"),
        ("/metrics", "DELETE", 405, "GET, HEAD, OPTIONS"),
    ],
)
def test_verbs(front: Fronted, path: str, method: str, status: int, allowed: str) -> None:
    got = front.ask(path, method=method)
    assert (got.status, got.headers["allow"]) == (status, allowed)
    if got.body:
        assert set(json.loads(got.body)) == {"error" if path.startswith("/v2") else "message"}


def test_an_unknown_path_is_told_what_there_is(front: Fronted) -> None:
    for path in ("/nowhere", "/score/", "/v2/models/", "/v2/models/a/b", "//score", "/%2e%2e/score", "/v3"):
        got = front.ask(path)
        assert got.status == 404
        assert b"/score" in got.body
        assert set(json.loads(got.body)) == {"error" if path.startswith("/v2/") else "message"}


def test_a_body_that_is_too_long_is_refused_in_the_words_of_its_path(front: Fronted) -> None:
    large = f"{KEY}Content-Length: {1 << 40}\r\n"
    for path, word in (("/score", "message"), ("/v2/models/digits/infer", "error")):
        with Client(front.port) as client:
            client.send(f"POST {path} HTTP/1.1\r\nHost: here\r\n{large}\r\n".encode())
            got = client.answer()
        assert (got.status, list(json.loads(got.body))) == (413, [word])


def test_an_encoded_body_is_refused(front: Fronted) -> None:
    got = front.ask("/score", b"x", method="POST", headers=KEY + "Content-Encoding: gzip\r\n")
    assert got.status == 415
    assert (
        front.ask("/score", b"1", method="POST", headers=KEY + "Content-Encoding: identity\r\n").status == 200
    )


def test_ids(front: Fronted) -> None:
    one, other = front.ask("/"), front.ask("/")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one.headers["x-request-id"])
    assert one.headers["x-request-id"] == one.headers["x-ms-request-id"] != other.headers["x-request-id"]
    for header in ("X-Request-Id", "x-ms-request-id"):
        got = front.ask(
            "/score", b"1", method="POST", headers=f"{KEY}{header}: mine\r\nx-ms-client-request-id: c\r\n"
        )
        assert {got.headers[name] for name in ("x-request-id", "x-ms-request-id")} == {"mine"}
        assert got.headers["x-ms-client-request-id"] == "c"
        assert front.fakes[0].asked[-1][0].request_id == "mine"
    assert front.ask("/", headers=KEY + f"x-request-id: {'x' * 100}\r\n").status == 200
    for name in ("x-request-id", "x-ms-request-id", "x-ms-client-request-id"):
        got = front.ask("/", headers=f"{KEY}{name}: {'x' * 101}\r\n")
        assert got.status == 431
        assert f"{name} has 101 characters, and 100" in got.body.decode()
    assert front.ask("/", headers=KEY + "x-request-id: a\tb\r\n").status == 400


def test_health(front: Fronted) -> None:
    assert front.ask("/").body == b"Healthy"
    assert (
        front.ask("/", method="HEAD").status,
        front.ask("/", method="HEAD").headers["content-length"],
    ) == (200, "7")
    assert front.ask("/ping").status == front.ask("/health").status == 200
    assert front.ask("/version").status == 200
    assert front.json("/v2/health/live") == {"live": True}
    assert front.json("/v2/health/ready") == {"ready": True}


@pytest.mark.parametrize(
    ("state", "named"), [(State.TRANSITIONING, b"Transitioning"), (State.FAILED, b"init() failed")]
)
def test_who_cannot_answer_says_so(state: State, named: bytes) -> None:
    with fronted(state) as front:
        for path in ("/", "/ping", "/health"):
            got = front.ask(path)
            assert got.status == 503
            assert named in got.body
        if state is State.FAILED:
            assert front.ask("/score", b"1", method="POST").status == 503
            refused = front.ask("/v2/models/digits/infer", b"{}", method="POST")
            assert refused.status == 503 and "init() failed" in json.loads(refused.body)["error"]
        assert front.ask("/v2/health/live").status == 200
        assert front.ask("/v2/health/ready").status == 503
        assert front.ask("/v2/models/digits/versions/3/infer", b"{}", method="POST").status == 503
        assert front.ask("/swagger.json").status == 200


def test_invocations_and_infer(front: Fronted) -> None:
    front.ask("/invocations", b"{}", method="POST")
    assert front.fakes[0].asked[-1][1] == "invocations"
    for name in ("digits", "digits-model", "digits-model/versions/7", "digits/versions/3"):
        binary = KEY + "Inference-Header-Content-Length: 2\r\n"
        got = front.ask(f"/v2/models/{name}/infer", b"{}\x00\xff", method="POST", headers=binary)
        assert got.status == 200
        asked, route = front.fakes[0].asked[-1]
        assert (asked.body, route) == (b"{}\x00\xff", "v2-infer")
        assert asked.header(b"inference-header-content-length") == b"2"
    for name in ("other", "digits-model/versions/8", "digits/versions/2"):
        got = front.ask(f"/v2/models/{name}/infer", b"{}", method="POST")
        assert got.status == 404
        assert "digits-model" in json.loads(got.body)["error"]


def test_refusals_of_open_inference_protocol_are_under_error() -> None:
    with fronted(State.HEALTHY) as front:
        path = "/v2/models/digits/infer"
        fake = front.fakes[0]
        for fake.status, fake.body in ((400, {"message": "no shape"}), (504, {"message": "late"})):
            got = front.ask(path, b"{}", method="POST")
            assert (got.status, json.loads(got.body)) == (fake.status, {"error": fake.body["message"]})
        fake.status, fake.body = 400, {"error": "the script's own"}
        assert json.loads(front.ask(path, b"{}", method="POST").body) == fake.body
        fake.status, fake.body = 400, {"message": "no"}
        assert json.loads(front.ask("/score", b"{}", method="POST").body) == fake.body


def test_open_inference_protocol_describes_itself(front: Fronted) -> None:
    assert "binary_tensor_data" in front.json("/v2")["extensions"]
    assert front.json("/v2/models/digits-model")["versions"] == ["7"]
    assert front.json("/v2/models/digits-model/versions/7/ready") == {"name": "digits-model", "ready": True}
    assert front.ask("/v2/models/other").status == 404


def test_descriptions(front: Fronted) -> None:
    swagger = front.json("/swagger.json")
    assert swagger["swagger"] == "2.0"
    assert swagger["definitions"]["ServiceInput"]["example"] == {"data": [7]}
    assert swagger["security"] == [{"Bearer": []}]
    three = front.json("/openapi.json")
    assert three["openapi"].startswith("3.0")
    assert {"/score", "/invocations", "/v2/models/{name}/infer"} <= three["paths"].keys()
    assert front.json("/swagger.json?version=3") == three
    with fronted(swagger={"swagger": "2.0", "info": {}}) as given:
        assert given.json("/swagger.json") == {"swagger": "2.0", "info": {}}


def test_pages_of_named_origins_may_ask() -> None:
    asks = "Origin: {}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
    with fronted(cors_origins=["https://ours.example"]) as front:
        got = front.ask("/score", method="OPTIONS", headers=asks.format("https://ours.example"))
        assert got.status == 204
        assert got.headers["access-control-allow-origin"] == "https://ours.example"
        assert "POST" in got.headers["access-control-allow-methods"]
        assert got.headers["access-control-allow-headers"] == "authorization"
        got = front.ask("/", headers=KEY + "Origin: https://ours.example\r\n")
        assert got.headers["access-control-allow-origin"] == "https://ours.example"
        for other in ("https://theirs.example", "null", "https://ours.example.evil"):
            assert front.ask("/score", method="OPTIONS", headers=asks.format(other)).status == 401
            got = front.ask("/", headers=KEY + f"Origin: {other}\r\n")
            assert "access-control-allow-origin" not in got.headers
    with fronted(cors_origins=["*"]) as front:
        got = front.ask("/", headers=KEY + "Origin: https://anybody.example\r\n")
        assert got.headers["access-control-allow-origin"] == "*"


def test_no_page_may_by_default(front: Fronted) -> None:
    got = front.ask("/", headers=KEY + "Origin: https://ours.example\r\n")
    assert "access-control-allow-origin" not in got.headers


def test_counts_are_the_clients() -> None:
    with fronted() as front, Client(front.port) as client:
        for number in range(60):
            assert client.ask("/score", b"1", headers=KEY).status == 200
            if number % 2:
                assert client.ask("/score", b"1").status == 401
            if number % 3 == 0:
                assert client.ask("/nowhere", headers=KEY).status == 404
        front.fakes[0].status = 502
        assert client.ask("/invocations", b"1", headers=KEY).status == 502
        client.send(b"nonsense\r\n\r\n")
        assert client.answer().status == 400
        text = front.ask("/metrics").body.decode()
    assert counted(text) == {
        ("/score", "200"): 60,
        ("/score", "401"): 30,
        ("unknown", "404"): 20,
        ("/invocations", "502"): 1,
        ("none", "400"): 1,
    }
    assert 'faena_request_errors_total{route="/invocations",status="502"} 1' in text
    assert 'faena_request_seconds_count{route="/score"} 90' in text
    assert 'faena_request_seconds_bucket{route="/score",le="+Inf"} 90' in text
    assert 'faena_batch_size_bucket{revision="3",le="2"} 2' in text
    assert 'faena_batch_size_sum{revision="3"} 5' in text
    assert 'faena_worker_memory_bytes{revision="3",worker="0"} 5242880' in text
    assert 'faena_revision_state{revision="3",state="Healthy"} 1' in text


def counted(text: str) -> dict[tuple[str, str], int]:
    found = re.findall(r'^faena_requests_total\{route="([^"]*)",status="(\d+)"\} (\d+)$', text, re.MULTILINE)
    return {(route, status): int(count) for route, status, count in found}


def test_what_a_script_answers_forges_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with fronted() as front:
        front.fakes[0].status, front.fakes[0].body = 502, b"so\n2026-11-29 INFO all is well \x1b[2J\x9b"
        assert front.ask("/score", b"1", method="POST").status == 502
    said = [record.getMessage() for record in caplog.records if ": 502 " in record.getMessage()]
    assert len(said) == 1
    assert said[0].isprintable()
    assert "all is well" in said[0]


def test_new_keys_hold_at_once(front: Fronted) -> None:
    with fronted() as changing, Client(changing.port) as client:
        assert client.ask("/", method="GET", headers=KEY).status == 200
        changing.loop.call_soon_threadsafe(changing.front.configure, endpoint(keys=["third", "second"]))
        until(lambda: client.ask("/", method="GET", headers=KEY).status == 401, "the first key opens no more")
        assert client.ask("/", method="GET", headers="Authorization: Bearer third\r\n").status == 200


def test_many_requests_at_once_are_each_answered_once(front: Fronted) -> None:
    before = len(front.fakes[0].asked)
    with Client(front.port) as client:
        client.send(request("/score", b"1", headers=KEY) * 500)
        assert [client.answer().status for _ in range(500)] == [200] * 500
    assert len(front.fakes[0].asked) == before + 500
