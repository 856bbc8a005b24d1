"""MLflow's clients of a script on another machine, which reach the server by way of their node."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.key import AttemptKey
from faena.kernel.errors import FaenaError
from faena.node.relay import asking
from faena.testing.waiting import until
from tests.mlflow import test_in_runs as on_its_host
from tests.mlflow.clients import Client
from tests.mlflow.elsewhere import Far, elsewhere
from tests.server.house import Running, Visitor


@pytest.fixture(scope="module")
def far(server: Running, own: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    with elsewhere(server, tmp_path_factory.mktemp("node"), own) as found:
        yield found


@pytest.fixture(scope="module")
def script(far: Far) -> Client:
    return far.script


class TestEachRoute(on_its_host.TestEachRoute):
    """The same as on the server's own host."""


class TestItsScript(on_its_host.TestItsScript):
    """The same as on the server's own host."""


def test_it_is_told_what_is_spoken(script: Client) -> None:
    assert script.visitor.get("/version").text == "3.17.2"


@pytest.mark.parametrize("path", ["/runs", "/ui/runs", "/door", "/x/../api", "/", "/attempts/x"])
def test_nothing_but_mlflows_paths(script: Client, path: str) -> None:
    assert script.visitor.get(path).status == 403


def test_a_path_that_leads_out_is_refused_as_on_the_servers_host(script: Client, own: str) -> None:
    files = f"/api/2.0/mlflow-artifacts/artifacts/{script.run(own)['info']['experiment_id']}/{own}/artifacts"
    for path in ("../../x", "%2e%2e/x", "%252e%252e/x", "a/..%5c..%5cx"):
        assert script.visitor.get(f"{files}/{path}").status in (400, 403), path


def test_nothing_is_answered_without_the_runs_token(far: Far, own: str) -> None:
    port, good = far.script.visitor.port, far.script.visitor.headers["Authorization"]
    token = good.partition(" ")[2]
    as_password = "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()
    path = f"/api/2.0/mlflow/runs/get?run_id={own}"
    for shown, wanted in (
        (None, 401),
        ("Bearer x", 401),
        (f"Bearer {token}é", 401),
        (f"bearer {token}", 200),
        (as_password, 200),
    ):
        answer = Visitor(port).get(
            path, Authorization=shown and shown.encode("latin-1", "replace").decode("latin-1")
        )
        assert answer.status == wanted, shown
    refused = Visitor(port).ask("PUT", path, os.urandom(1 << 19))
    assert (refused.status, refused.json["error_code"]) == (401, "UNAUTHENTICATED")


def test_files_go_both_ways_whole(script: Client, own: str) -> None:
    run, data = script.run(own), os.urandom(5_000_000)
    assert script.put_artifact(run, "large.bin", data).status == 200
    assert script.artifact(run, "large.bin").body == data
    part = script.artifact(run, "large.bin", Range="bytes=4999990-")
    assert data.endswith(part.body)
    assert script.put_artifact(run, "empty", b"").status == 200
    assert script.artifact(run, "empty").body == b""


def test_a_large_file_that_is_refused_is_told_why(script: Client, other: Any) -> None:
    answer = script.put_artifact(other, "large.bin", bytes(40_000_000))
    assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED"), answer.text


def test_a_body_in_chunks_comes_through(script: Client, own: str) -> None:
    files = f"/api/2.0/mlflow-artifacts/artifacts/{script.run(own)['info']['experiment_id']}/{own}/artifacts"
    connection = http.client.HTTPConnection("127.0.0.1", script.visitor.port, timeout=60)
    parts = [b"one ", b"two " * 70_000]
    try:
        for name in ("first", "second"):  # over one connection
            connection.request(
                "PUT", f"{files}/{name}", iter(parts), script.visitor.headers, encode_chunked=True
            )
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"{}")
    finally:
        connection.close()
    assert script.artifact(script.run(own), "second").body == b"".join(parts)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: x",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked",
        "X-Folded: a\r\n b\r\nContent-Length: 2",
    ],
)
def test_what_is_no_request_is_refused_and_ends_the_connection(script: Client, own: str, head: str) -> None:
    with socket.create_connection(("127.0.0.1", script.visitor.port), timeout=60) as connection:
        authorization = script.visitor.headers["Authorization"]
        told = f"POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nAuthorization: {authorization}\r\n{head}\r\n\r\n{{}}"
        connection.sendall(told.encode() + b"\r\n" * 4)
        connection.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert said.startswith(b"HTTP/1.1 400"), said


class TestLinkIsCut:
    def test_what_is_asked_meanwhile_is_answered_once_it_is_healed(
        self, far: Far, script: Client, client: Client, own: str
    ) -> None:
        far.link.cut()
        sending = threading.Thread(
            target=script.post,
            args=("runs/log-metric",),
            kwargs={"run_id": own, "key": "cut", "value": 1, "timestamp": 1},
        )
        sending.start()
        until(lambda: far.link.turned_away, "it was tried")
        far.link.heal()
        sending.join(60)
        assert [
            each["value"]
            for each in client.get("metrics/get-history", run_id=own, metric_key="cut")["metrics"]
        ] == [1]

    def test_what_was_made_while_its_answer_was_lost_is_made_once(
        self, far: Far, script: Client, own: str
    ) -> None:
        experiment = script.run(own)["info"]["experiment_id"]  # over a connection that is there
        far.link.is_deaf = True
        made: list[str] = []
        making = threading.Thread(
            target=lambda: made.append(script.new_run(experiment_id="0", run_name="once"))
        )
        making.start()
        until(lambda: far.link.is_cut, "the answer is lost")
        far.link.heal()
        making.join(60)
        found = script.post("runs/search", experiment_ids=[experiment], filter="run_name = 'once'")["runs"]
        assert [each["info"]["run_id"] for each in found] == made

    def test_a_client_that_has_waited_is_to_try_again(
        self, far: Far, script: Client, own: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "_HOLDING", 0.0)
        far.link.cut()
        asked: Any = {"run_id": own, "key": "cut", "value": 1, "timestamp": 1}
        answer = script.send("POST", "runs/log-metric", **asked)
        assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        large = script.visitor.ask("PUT", "/api/2.0/mlflow-artifacts/artifacts/x", bytes(3 << 20))
        assert large.status == 503
        far.link.heal()
        assert script.post("runs/log-metric", **asked) == {}

    def test_a_file_on_its_way_to_the_script_goes_on_where_it_was(
        self, far: Far, script: Client, own: str
    ) -> None:
        run, data = script.run(own), os.urandom(6_000_000)
        assert script.put_artifact(run, "torn.bin", data).status == 200
        far.link.bytes_left = 2_500_000
        found: list[bytes] = []
        reading = threading.Thread(target=lambda: found.append(script.artifact(run, "torn.bin").body))
        reading.start()
        until(lambda: far.link.is_cut, "it is cut on the way")
        far.link.heal()
        reading.join(60)
        assert found == [data]


def test_it_ends_with_its_run(server: Running, client: Client, tmp_path: Path) -> None:
    run = client.new_run()
    with elsewhere(server, tmp_path, run) as far:
        idle = http.client.HTTPConnection("127.0.0.1", far.script.visitor.port, timeout=60)
        idle.request("GET", "/health", headers=far.script.visitor.headers)
        assert idle.getresponse().read() == b"OK"
        assert far.door.open()["url"].endswith(f":{far.script.visitor.port}"), "there is one of a run"
        client.post("runs/update", run_id=run, status="FINISHED")
        far.door.close()
        with pytest.raises(ConnectionError):
            far.script.visitor.get("/health")
        assert idle.sock.recv(1) == b""
        idle.close()


def test_the_token_of_an_attempt_says_which_run_it_is(far: Far, other: Any) -> None:
    """Whatever another machine says of itself."""
    run_id = other["info"]["run_id"]
    attempt = AttemptKey(run_id, 1, 0)
    with pytest.raises(FaenaError, match="is not for nodes"):
        far.api.call("POST", f"{attempt.path}/mlflow/api/2.0/mlflow/runs/log-metric", {"run_id": run_id})
    with pytest.raises(FaenaError, match="is not for nodes"):
        far.api.call("POST", f"/door/runs/{attempt.name}")
    with pytest.raises(FaenaError, match="is not for nodes"):
        far.api.call("POST", "/api/2.0/mlflow/runs/log-metric", {"run_id": run_id})
