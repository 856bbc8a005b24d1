"""What no client of ours sends: each gets an error that names it, and the server goes on."""

from __future__ import annotations

import json
import socket

import pytest

from faena import Cluster, Workspace
from faena.kernel.discovery import Rendezvous


@pytest.fixture
def server(lasting_workspace: Workspace) -> Workspace:
    """The same for all: each test finds it alive after those before it."""
    lasting_workspace.api.version()
    return lasting_workspace


def send(server: Workspace, data: bytes, *, half_close: bool = False) -> tuple[int, dict[str, str]]:
    """Status and body of the answer to raw bytes; (0, {}) when the server hangs up without one.

    `half_close` says that no more comes; a request in progress is dropped then, so that most tests must not.
    """
    with Rendezvous(server.files.path).connect(60) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        except (BrokenPipeError, ConnectionResetError):
            return 0, {}
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return 0, {}
    try:
        found = json.loads(body)
    except ValueError:
        found = {}
    return int(head.split()[1]), found if isinstance(found, dict) else {}


def request(method: str, path: str, body: bytes = b"", headers: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


DEEP = b"[" * 100_000 + b"]" * 100_000
CLUSTER = b'{"max_nodes": %s}'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x00\xff\x00garbage\r\n\r\n", id="garbage"),
        pytest.param(request("PUT", "/clusters/c", b"{}", "Content-Length: 5\r\n"), id="two lengths"),
        pytest.param(request("PUT", "/clusters/c", DEEP), id="nested deep"),
        pytest.param(request("PUT", "/clusters/c", b'{"max_nodes": "\xff\xfe"}'), id="not UTF-8"),
        pytest.param(request("PUT", "/clusters/c", CLUSTER % b"NaN"), id="NaN"),
        pytest.param(request("PUT", "/clusters/c", CLUSTER % b"1e400"), id="1e400"),
        pytest.param(request("PUT", "/clusters/c", CLUSTER % b"99999999999999999999"), id="huge number"),
        pytest.param(request("PUT", "/clusters/c", CLUSTER % b"-1"), id="negative"),
        pytest.param(request("PUT", "/clusters/c", b'{"max_nodes": 2, "typo": 1}'), id="unknown field"),
        pytest.param(request("PUT", "/clusters/c", b""), id="empty body"),
        pytest.param(request("PUT", "/clusters/a%2Fb", b"{}"), id="slash in a name"),
        pytest.param(request("PUT", "/clusters/" + "x" * 10_000, b"{}"), id="long name"),
        pytest.param(request("GET", "/runs/%2e%2e%2f%2e%2e"), id="path in an id"),
        pytest.param(request("GET", "/runs?limit=-1"), id="negative limit"),
        pytest.param(request("GET", "/runs?limit=1e9"), id="limit that is no number"),
        pytest.param(request("GET", "/runs?after=%FF%00"), id="place that is none"),
        pytest.param(request("GET", "/runs?after=WzEsIDIsIDNd"), id="place of another form"),
        pytest.param(request("GET", "/runs?filter=status%20%3D"), id="filter that ends early"),
        pytest.param(request("GET", "/runs?filter=" + "(" * 5000), id="filter nested deep"),
        pytest.param(
            request("GET", "/runs?filter=created%20%3E%20'99999-01-01'"), id="time beyond the clock"
        ),
        pytest.param(request("GET", "/runs?sort=-model"), id="order that is none"),
        pytest.param(
            request("GET", "/models/m/versions/99999999999999999999999"), id="version beyond numbers"
        ),
        *(
            pytest.param(request(verb, path % number, body), id=f"{path % number}")
            for number in (2**63, -(2**63) - 1, 2**64)
            for verb, path, body in (
                ("GET", "/models/m/versions/%d", b""),
                ("PUT", "/attempts/r/%d/0/started", b'{"at": 1}'),
            )
        ),
        pytest.param(request("PUT", "/clusters/c", b'{"cores_per_node": %d}' % 2**63), id="2^63 cores"),
        pytest.param(request("GET", "/objects/..%2f..%2fetc%2fpasswd"), id="path as a digest"),
        pytest.param(request("PUT", "/objects/" + "0" * 64, b"x"), id="digest of something else"),
        pytest.param(
            request("POST", "/objects/missing", b'{"digests": ["../../x"]}'), id="missing: no digest"
        ),
        pytest.param(
            request("POST", "/attempts/r/1/0/ship", b"\xff\xff\xff\xff"), id="batch with a lying head"
        ),
        pytest.param(request("POST", "/attempts/r/1/0/ship", b""), id="empty batch"),
        pytest.param(request("PUT", "/environments/a%2Fb", b'{"request": {}}'), id="slash in an environment"),
        pytest.param(
            request("PUT", "/environments/e", b'{"request": {"packages": ["six\\n-e ."]}}'),
            id="line break in a package",
        ),
        pytest.param(
            request("PUT", "/environments/e", b'{"request": {"index_urls": [{"url": "file:///$(id)"}]}}'),
            id="command in an index",
        ),
        pytest.param(request("PUT", "/environment-builds/..%2fx", b'{"lock": "../x"}'), id="path as a build"),
        pytest.param(request("PUT", "/environment-builds/" + "0" * 32, b"{}"), id="build of nothing"),
        pytest.param(request("GET", "/environment-builds/" + "0" * 32), id="unknown build"),
        pytest.param(
            request("POST", "/built-environments/prune", b'{"digests": ["../../etc"]}'),
            id="path as an environment",
        ),
        pytest.param(
            request("POST", "/built-environments/prune", b'{"unused_days": -1}'), id="negative days"
        ),
        pytest.param(request("GET", "/nowhere"), id="unknown route"),
        pytest.param(request("DELETE", "/version"), id="wrong verb"),
        pytest.param(request("GET", "/version", b"", "Faena-Wire: 999\r\n"), id="another wire version"),
    ],
)
def test_is_refused_and_the_server_goes_on(server: Workspace, data: bytes) -> None:
    status, body = send(server, data)
    assert 400 <= status < 500, body
    if body:
        assert set(body) == {"code", "message"}
        assert body["message"]
    assert server.api.version().wire == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("/runs?fliter=status", "no query parameter 'fliter'. Did you mean filter?"),
        ("/models?nmae=x", "no query parameter 'nmae'"),
        ("/clusters?x=1", "no query parameter 'x'. It takes none."),
        ("/runs/nope?run_id=x", "no query parameter 'run_id'. It takes none."),
    ],
)
def test_unknown_query_parameters_are_refused(server: Workspace, query: str, said: str) -> None:
    status, body = send(server, request("GET", query))
    assert status == 400
    assert said in body["message"]


def test_a_wrong_verb_is_told_the_right_one(server: Workspace) -> None:
    status, body = send(server, request("DELETE", "/version"))
    assert status == 405
    assert "Use GET" in body["message"]


def test_a_body_over_the_limit_is_refused(server: Workspace) -> None:
    head = b"PUT /clusters/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000000\r\n\r\n"
    status, body = send(server, head)
    assert (status, body["code"]) == (413, "UserErrorException")
    assert server.api.version().wire == 1


def test_a_packed_body_is_not_unpacked(server: Workspace) -> None:
    import gzip

    bomb = gzip.compress(b"[" * 50_000_000)
    status, body = send(server, request("PUT", "/clusters/c", bomb, "Content-Encoding: gzip\r\n"))
    assert status == 400
    assert body["code"] == "UserErrorException"


def test_another_wire_version_is_named_with_ours(server: Workspace) -> None:
    status, body = send(server, request("GET", "/version", b"", "Faena-Wire: 999\r\n"))
    assert (status, body["code"]) == (426, "ProtocolMismatch")
    assert "999" in body["message"]
    assert " 1." in body["message"]


def test_who_hangs_up_in_mid_request_harms_nobody(server: Workspace) -> None:
    for cut in (5, 40, 80):
        with Rendezvous(server.files.path).connect(60) as connection:
            connection.sendall(request("PUT", "/clusters/c", b'{"max_nodes": 2}')[:cut])
    assert server.api.version().wire == 1


def test_a_body_that_ends_before_its_length_is_dropped(server: Workspace) -> None:
    head = b"PUT /clusters/c HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{}"
    assert send(server, head, half_close=True) == (0, {})
    assert "c" not in [cluster.name for cluster in server.api.clusters()]


@pytest.mark.parametrize(
    "body",
    ["zz\r\n{}\r\n0\r\n\r\n", "-5\r\n{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"],
)
def test_parts_of_a_length_that_cannot_be_are_refused(server: Workspace, body: str) -> None:
    head = "PUT /clusters/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _ = send(server, (head + body).encode())
    assert status == 400
    assert "c" not in [cluster.name for cluster in server.api.clusters()]


def test_every_route_is_described(server: Workspace) -> None:
    document = server.api.transport.json("GET", "/schema/openapi.json")
    paths = document["paths"]
    assert {"/runs/{run_id}", "/clusters/{name}", "/models/{name}", "/version"} <= set(paths)
    for path, verbs in paths.items():
        for verb, operation in verbs.items():
            assert operation.get("summary"), f"{verb} {path} has no summary"


def test_of_a_hundred_who_create_one_name_differently_one_wins(server: Workspace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from faena.kernel.errors import ComputeTargetException

    def create(number: int) -> int:
        try:
            Cluster.create(server, "contested", max_nodes=number + 1)
        except ComputeTargetException as error:
            assert "contested" in error.message
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(100))) == 1
