"""The process of a front, with real workers: what is killed, stopped, updated or replaced costs what it must."""

from __future__ import annotations

import json
import os
import signal
import socket as sockets
import ssl
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.client.endpoints.asking import ask
from faena.kernel.discovery import is_held
from faena.kernel.errors import WebserviceException
from faena.scoring.http.listener import bind
from faena.scoring.status import State
from faena.testing.waiting import until
from tests.scoring.fronts import KEY, House, counted_at, house
from tests.scoring.listening import Client, certify
from tests.scoring.load import Load


@pytest.fixture
def front(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def test_a_front_lives(front: House) -> None:
    front.want(front.revision(1))
    process = front.start()
    front.serves(1)
    assert front.status.pid == front.pid == process.pid
    assert (front.folder / "status.json").stat().st_mode & 0o777 == 0o600
    port = front.port
    assert front.ask().body == b"1"
    other = front.start()
    assert other.wait(60) == 0  # there is one already
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not is_held(front.folder / "front.lock")
    front.start()
    front.serves(1)
    assert front.port == port
    assert front.ask().body == b"1"


def test_one_that_waits_is_nothing_until_it_is_told(front: House) -> None:
    needless = front.start("--wait", stdin=subprocess.PIPE)
    assert needless.stdin is not None
    needless.stdin.close()  # by whom it was started, or with that one's end
    assert needless.wait(60) == 0
    assert not (front.folder / "front.lock").exists()
    assert not (front.folder / "status.json").exists()
    process = front.start("--wait", stdin=subprocess.PIPE)
    front.want(front.revision(1), tell=False)
    assert process.stdin is not None
    with process.stdin as told:
        told.write(b"\n")
    front.serves(1)
    assert front.ask().body == b"1"


def test_what_was_asked_is_answered_before_it_leaves(front: House) -> None:
    front.want(front.revision(1))
    process = front.start()
    front.serves(1)
    with Client(front.port) as client, Client(front.port) as idle:
        assert idle.ask("/score", b"1", headers=KEY).status == 200
        client.send(
            b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n" + KEY.encode() + b'\r\n"sleep"'
        )
        assert front.look() == 200
        process.send_signal(signal.SIGTERM)
        got = client.answer()
        assert (got.status, got.headers["connection"]) == (200, "close")
        assert idle.is_closed()
    assert process.wait(60) == 0


def test_a_port_that_is_taken(front: House) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        front.want(front.revision(1), port=port)
        assert front.start().wait(60) == 1
        assert front.status.state == State.FAILED
        assert front.status.port is None
        assert front.status.error is not None
        assert "in use" in front.status.error.message
    front.start()
    front.serves(1)
    assert front.port == port


@pytest.mark.parametrize("text", [b"", b"{", b'{"name": "a", "revisions": []}'])
def test_a_description_that_is_none(front: House, text: bytes) -> None:
    (front.folder / "endpoint.json").write_bytes(text)
    assert front.start().wait(60) == 1
    assert front.status.error is not None
    assert "endpoint.json" in front.status.error.message


def test_a_damaged_description_changes_nothing(front: House) -> None:
    front.want(front.revision(1))
    front.start()
    front.serves(1)
    (front.folder / "endpoint.json").write_bytes(b"{")
    os.kill(front.pid, signal.SIGHUP)
    until(lambda: front.status.error is not None, "it says so")
    assert front.ask().body == b"1"
    front.want(front.revision(1), keys=["key", "other"])
    until(lambda: front.status.error is None, "it says so no more")


@pytest.mark.long
def test_an_update_loses_nothing(front: House) -> None:
    front.want(front.revision(1))
    front.start()
    front.serves(1)
    with Load(front.port) as load:
        for number in range(2, 6):
            load.more(20)
            front.want(front.revision(number))
            front.serves(number)
        load.more(20)
    assert not load.broken
    assert set(load.statuses) == {200}
    assert {b"1", b"2", b"5"} <= load.bodies.keys()
    assert front.counted() == load.statuses


@pytest.mark.long
def test_a_broken_update_leaves_the_old_one(front: House) -> None:
    front.want(front.revision(1))
    front.start()
    front.serves(1)
    with Load(front.port, lasting=2, fresh=1) as load:
        broken = front.revision(2, "def init(): raise ValueError('no model here')\ndef run(data): return 2\n")
        front.want(front.revision(1), broken)
        until(
            lambda: "2" in front.status.revisions and front.status.revisions["2"].state == State.FAILED,
            "it has failed",
        )
        load.more(10)
    assert set(load.statuses) == {200}
    assert not load.broken
    assert load.bodies.keys() == {b"1"}
    failure = front.status.revisions["2"].error
    assert failure is not None
    assert "no model here" in failure.message
    assert "ValueError" in (failure.traceback or "")
    assert front.status.state == State.HEALTHY
    assert front.status.serving == [1]


@pytest.mark.long
def test_a_killed_worker_costs_its_running_request_at_most(front: House) -> None:
    front.want(front.revision(1, workers=2))
    front.start()
    front.serves(1)
    kills = 5
    with Load(front.port) as load:
        for _ in range(kills):
            load.more(20)
            os.kill(int(front.ask("pid").body), signal.SIGKILL)
        load.more(20)
    assert not load.broken
    assert load.statuses.keys() <= {200, 502}
    assert front.log.count(": 502 ") == load.statuses[502]
    assert load.statuses[502] <= kills
    assert front.counted() - load.statuses == {200: kills}


@pytest.mark.long
def test_a_stopped_worker_costs_its_running_request_alone(front: House) -> None:
    front.want(front.revision(1, workers=2), limits={"timeout_s": 2.0})
    front.start()
    front.serves(1)
    with Load(front.port, pause=0.02) as load:
        load.more(20)
        stopped = int(front.ask("pid").body)
        os.kill(stopped, signal.SIGSTOP)
        until(lambda: load.broken or stopped not in front.workers(), "it is replaced")
        load.more(20)
    assert not load.broken
    assert load.statuses.keys() <= {200, 504}
    assert load.statuses[504] <= 1


ARRAYS = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
def init(): pass
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]], dtype="float32")))
@output_schema(NumpyParameterType(np.array([3.0])))
def run(data):
    return data.sum(axis=1)
"""


def test_three_protocols_reach_one_script(front: House) -> None:
    front.want(front.revision(1, ARRAYS, max_batch_size=4, models=[("sums", "2")]))
    front.start()
    front.serves(1)
    rows = [[1.0, 2.0], [3.0, 4.5]]
    assert json.loads(front.ask({"data": rows}).body) == [3.0, 7.5]
    assert json.loads(front.ask({"inputs": rows}, "/invocations").body) == {"predictions": [3.0, 7.5]}
    tensor = {"name": "data", "datatype": "FP32", "shape": [2, 2]}
    got = json.loads(front.ask({"inputs": [{**tensor, "data": rows}]}, "/v2/models/sums/infer").body)
    assert got["outputs"][0]["data"] == [3.0, 7.5]
    packed = struct.pack("<4f", 1.0, 2.0, 3.0, 4.5)
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(packed)}}]}).encode()
    with Client(front.port) as client:
        binary = f"{KEY}Inference-Header-Content-Length: {len(head)}\r\n"
        answer = client.ask("/v2/models/sums/versions/2/infer", head + packed, headers=binary)
        assert answer.status == 200
        assert json.loads(answer.body)["outputs"][0]["data"] == [3.0, 7.5]
        described = json.loads(client.ask("/swagger.json", method="GET", headers=KEY).body)
        model = json.loads(client.ask("/v2/models/sums", method="GET", headers=KEY).body)
    assert described["definitions"]["ServiceInput"]["properties"]["data"]["type"] == "array"
    assert model["inputs"] == [{"name": "data", "datatype": "FP32", "shape": [-1, 2]}]
    refused = front.ask({"other": rows})
    assert refused.status == 400


@pytest.mark.long
def test_a_front_is_replaced_without_a_loss(front: House) -> None:
    front.want(front.revision(1))
    old = front.start()
    front.serves(1)
    port = front.port
    with Load(front.port) as load, Client(front.port) as idle:
        assert idle.ask("/score", b"1", headers=KEY).status == 200
        for _ in range(2):
            load.more(20)
            new = front.start("--replace")
            until(lambda: front.pid == new.pid, f"it took over: {front.log}")  # noqa: B023  called at once
            assert old.wait(60) == 0
            old = new
        load.more(20)
        assert idle.ask("/score", b"1", headers=KEY).status == 200
    assert not load.broken
    assert set(load.statuses) == {200}
    assert front.port == port
    assert is_held(front.folder / "front.lock")
    load.statuses[200] += 2
    until(lambda: front.counted() == load.statuses, "the counts are those of all three")
    kept = front.recent().standings
    assert kept[0].statuses == {}, "what the first one kept is there, too"
    most = [each.statuses.get("200", 0) for each in kept]
    assert most == sorted(most)
    assert most[-1] <= load.statuses[200]


@pytest.mark.long
def test_connections_with_a_certificate_end_without_a_loss_when_the_front_is_replaced(front: House) -> None:
    certificate, key = front.folder / "certificate.pem", front.folder / "key.pem"
    certify(certificate, key)
    front.want(front.revision(1), tls={"certificate": str(certificate), "key": str(key)})
    old = front.start()
    front.serves(1)
    trusted = ssl.create_default_context(cafile=str(certificate))
    with Load(front.port, tls=trusted, pause=0.02) as load, Client(front.port, trusted) as idle:
        load.more(20)
        assert idle.ask("/score", b"1", headers=KEY).status == 200
        new = front.start("--replace")
        until(lambda: front.pid == new.pid, f"it took over: {front.log}")
        load.more(20)
        assert idle.ask("/score", b"1", headers=KEY).headers["connection"] == "close"
        assert old.wait(60) == 0
        load.more(20)
    assert not load.broken
    assert not load.refused
    load.statuses[200] += 2
    assert counted_at(front.port, "key", trusted) == load.statuses


@pytest.mark.long
def test_a_front_that_does_not_come_up_replaces_nobody(front: House) -> None:
    front.want(front.revision(1))
    old = front.start()
    front.serves(1)
    broken = front.revision(2, "def init(): raise ValueError('no model here')\ndef run(data): return 2\n")
    front.want(broken, tell=False)
    new = front.start("--replace")
    assert new.wait(120) == 1
    assert old.poll() is None
    assert front.pid == old.pid
    assert front.ask().body == b"1"
    front.want(front.revision(1))
    new = front.start("--replace")
    assert old.wait(60) == 0
    front.serves(1)
    assert front.pid == new.pid


def test_a_front_whose_folder_is_gone_leaves(front: House, monkeypatch: pytest.MonkeyPatch) -> None:
    front.want(front.revision(1))
    process = front.start()
    front.serves(1)
    (front.folder / "front.lock").rename(front.folder / "moved")
    assert process.wait(60) == 0


@pytest.mark.long
def test_a_new_certificate_in_the_same_place(front: House) -> None:
    certificate, key = front.folder / "certificate.pem", front.folder / "key.pem"
    tls = {"certificate": str(certificate), "key": str(key)}
    certify(certificate, key)
    front.want(front.revision(1), tls=tls)
    front.start()
    front.serves(1)

    def is_served() -> bool:
        trusted = ssl.create_default_context(cafile=str(certificate))
        try:
            with Client(front.port, trusted) as client:
                return client.ask("/", method="GET", headers=KEY).status == 200
        except ssl.SSLError:
            return False

    assert is_served()
    certify(certificate, key)
    assert not is_served()
    front.want(front.revision(1), tls=tls)
    until(is_served, "the new one is")
    address = f"https://localhost:{front.port}/score"
    ask(address, "{}", "key", {}, "e", str(certificate))
    with pytest.raises(WebserviceException, match="self-signed certificate"):
        ask(address, "{}", "key", {}, "e")


def test_a_host_that_there_is_not_is_named() -> None:
    with pytest.raises(OSError, match=r"The host 'no\.\.host' is no address of this machine"):
        bind("no..host", 0)


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120) / ("y" * 120)
    folder.mkdir(parents=True)
    with house(folder) as front:
        front.want(front.revision(1))
        old = front.start()
        front.serves(1)
        front.start("--replace")
        assert old.wait(60) == 0
        front.serves(1)


def test_the_address_can_change(front: House) -> None:
    front.want(front.revision(1))
    front.start()
    front.serves(1)
    before = front.port
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    front.want(front.revision(1), port=port)
    until(lambda: front.port == port, "it listens there")
    assert front.ask().body == b"1"
    with pytest.raises(ConnectionRefusedError), sockets.create_connection(("127.0.0.1", before), timeout=30):
        pass
