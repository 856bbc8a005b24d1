"""The client of the runner's socket, against a server that speaks the protocol of docs/attempts.md."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.script import errors, rpc, run
from faena.script.rpc import RunnerClient

Answer = Callable[[str, dict[str, Any]], dict[str, Any] | bytes | None]


class Runner(socketserver.ThreadingUnixStreamServer):
    """Answers each line by `answer(verb, arguments)`; None hangs up without one."""

    daemon_threads = True
    block_on_close = False  # a test that fails keeps its connection, which no thread may wait for

    def __init__(self, path: str, answer: Answer) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer = answer
        self.connections = 0
        super().__init__(path, Handler)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(socketserver.StreamRequestHandler):
    server: Runner

    def handle(self) -> None:
        self.server.connections += 1
        for line in self.rfile:
            question = json.loads(line)
            assert set(question) == {"verb", "arguments"}
            self.server.asked.append((question["verb"], question["arguments"]))
            answer = self.server.answer(question["verb"], question["arguments"])
            if answer is None:
                return
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n"
            with contextlib.suppress(BrokenPipeError):  # the client did not wait
                self.wfile.write(data)


@pytest.fixture
def path() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:  # short: a socket's path has at most 107 bytes
        yield f"{folder}/s"


@pytest.fixture
def serve(path: str) -> Iterator[Callable[[Answer], Runner]]:
    running: list[Runner] = []
    clients: list[RunnerClient] = []

    def start(answer: Answer) -> Runner:
        running.append(Runner(path, answer))
        return running[-1]

    yield start
    for client in clients:
        client._close()
    for runner in running:
        runner.stop()


@pytest.fixture
def client(path: str) -> Iterator[RunnerClient]:
    client = RunnerClient(path, patience=0.1)
    yield client
    client._close()


def test_one_connection_many_answers(serve: Callable[[Answer], Runner], client: RunnerClient) -> None:
    runner = serve(lambda verb, arguments: {"ok": [verb, arguments]})
    for number in range(3):
        assert client.call("get_metrics", {"name": f"größe {number}"}, 10) == [
            "get_metrics",
            {"name": f"größe {number}"},
        ]
    assert runner.connections == 1
    client._close()


def test_threads_get_their_own_answers(serve: Callable[[Answer], Runner], client: RunnerClient) -> None:
    serve(lambda verb, arguments: {"ok": arguments["n"]})
    wrong: list[Any] = []

    def ask(number: int) -> None:
        wrong.extend(n for n in range(number, number + 50) if client.call("get_details", {"n": n}, 10) != n)

    threads = [threading.Thread(target=ask, args=(n * 100,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    client._close()


def test_errors_come_as_their_classes(serve: Callable[[Answer], Runner], client: RunnerClient) -> None:
    serve(
        lambda verb, arguments: {"error": {"code": "ModelPathNotFoundException", "message": "not outputs/x"}}
    )
    with pytest.raises(errors.ModelPathNotFoundException, match="not outputs/x"):
        client.call("register_model", {}, 10)
    client._close()


@pytest.mark.parametrize("answer", [b"\n", b"{\n", b"[]\n", b'{"error": 3}\n', b"\xff\n"])
def test_answers_that_cannot_be_read(
    serve: Callable[[Answer], Runner], client: RunnerClient, answer: bytes
) -> None:
    serve(lambda verb, arguments: answer)
    with pytest.raises(errors.ServiceException, match="cannot be read"):
        client.call("flush", {}, 10)
    client._close()


def test_no_answer_in_time(serve: Callable[[Answer], Runner], client: RunnerClient) -> None:
    late = threading.Event()

    def answer(verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments:  # of the first question, whichever is read first
            late.wait(60)
        return {"ok": "late" if arguments else "second"}

    serve(answer)
    with pytest.raises(errors.ServiceException, match=r"'flush' within 0\.2 s"):
        client.call("flush", {"first": True}, 0.2)
    assert client.call("flush", {}, 10) == "second", "the late answer belongs to nobody"
    late.set()
    client._close()


def test_a_runner_that_is_gone(client: RunnerClient, path: str) -> None:
    with pytest.raises(errors.ServerUnreachable, match="is gone") as caught:
        client.call("flush", {}, 10)
    assert path in caught.value.message
    assert "safe in the spool" in caught.value.message
    with pytest.raises(errors.ServerUnreachable, match="FAENA_SOCKET is not set"):
        RunnerClient(None).call("flush", {}, 10)


def test_the_next_runner_is_found(path: str) -> None:
    client = RunnerClient(path, patience=20)
    first = Runner(path, lambda verb, arguments: {"ok": 1})
    assert client.call("flush", {}, 10) == 1
    Path(path).unlink()
    client._close()
    first.stop()
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(client.call("flush", {}, 30)))
    thread.start()
    second = Runner(path, lambda verb, arguments: {"ok": 2})
    thread.join()
    client._close()
    second.stop()
    assert answers == [2]


def test_a_question_cut_off_is_asked_once_more(
    serve: Callable[[Answer], Runner], client: RunnerClient
) -> None:
    cut = iter([True])
    runner = serve(lambda verb, arguments: None if next(cut, False) else {"ok": "done"})
    assert client.call("register_model", {"request_id": "a"}, 10) == "done"
    assert runner.asked == [("register_model", {"request_id": "a"})] * 2
    client._close()


def test_what_json_cannot_hold(client: RunnerClient) -> None:
    with pytest.raises(errors.UserErrorException, match="JSON cannot hold"):
        client.call("register_model", {"tags": {"a": object()}}, 10)


def test_a_forked_child_has_its_own_connection(path: str, tmp_path: Path) -> None:
    here, there = socket.socketpair()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    client = RunnerClient(path)
    client._connection = client._connect(time.monotonic() + 10)
    accepted, _ = listener.accept()
    pid = os.fork()
    if pid == 0:
        there.sendall(b"closed" if client._connection is None else b"kept")
        os._exit(0)
    os.waitpid(pid, 0)
    assert here.recv(10) == b"closed"
    client._connection.sendall(b"parent's is open")
    assert accepted.recv(100) == b"parent's is open"
    client._close()
    for each in (here, there, listener, accepted):
        each.close()


def test_what_the_run_asks(
    serve: Callable[[Answer], Runner], path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded: list[bytes] = []

    def answer(verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if verb == "upload_files":
            (path,) = arguments["files"].values()
            uploaded.append(Path(path).read_bytes())
        return {
            "ok": {
                "register_model": {"name": arguments.get("model_name"), "version": 3},
                "get_metrics": {"loss": [1, 2]},
                "get_file_names": ["outputs/a"],
                "get_run": {"status": "Running"},
                "upload_files": [],
            }.get(verb)
        }

    runner = serve(answer)
    for key, value in {"RUN_ID": "r", "SPOOL": str(tmp_path), "SOCKET": path, "EXPERIMENT": "e"}.items():
        monkeypatch.setenv(f"FAENA_{key}", value)
    monkeypatch.chdir(tmp_path)
    Path("model.npz").write_bytes(b"weights")
    this = run.Run.get_context()
    this.upload_file("outputs/model.npz", "model.npz")
    with Path("model.npz").open("rb") as stream:
        this.upload_file("outputs/again.npz", stream)
    with Path("model.npz").open() as text:
        this.upload_file("outputs/text", text)
    assert uploaded == [b"weights"] * 3
    assert runner.asked[0] == (
        "upload_files",
        {"files": {"outputs/model.npz": str(tmp_path / "model.npz")}},
    )
    (copy,) = runner.asked[1][1]["files"].values()
    assert not Path(copy).exists(), "the copy of a stream is removed"
    model = this.register_model("m", "outputs/model.npz", {"a": "b"}, model_framework="Chainer")
    assert (model.name, model.version, model.id) == ("m", 3, "m:3")
    arguments = runner.asked[-1][1]
    assert len(arguments.pop("request_id")) == 32
    assert arguments == {
        "model_name": "m",
        "model_path": "outputs/model.npz",
        "tags": {"a": "b"},
        "properties": {},
        "description": None,
        "framework": "Chainer",
        "framework_version": None,
        "datasets": [],
    }
    assert this.get_metrics("loss") == {"loss": [1, 2]}
    assert this.get_file_names() == ["outputs/a"]
    assert this.get_status() == "Running"
    this.flush(5)
    assert runner.connections == 1
    assert isinstance(this._runner, rpc.RunnerClient)
    this._runner._close()
