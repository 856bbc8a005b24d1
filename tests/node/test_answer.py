"""The runner's socket for its script goes on answering whatever is sent to it."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faena.node.script_requests import Answerer


@pytest.fixture
def answerer(lasting_surroundings: Path, tmp_path: Path) -> Iterator[Path]:
    path = lasting_surroundings / "answer.sock"
    api: Any = SimpleNamespace(questions=SimpleNamespace(verbs=()))
    unused: Any = None
    made = Answerer(path, api, unused, unused, unused, unused, unused)
    yield path
    made.close()


def asked(path: Path, line: bytes) -> Any:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(path))
        connection.sendall(line + b"\n")
        return json.loads(connection.makefile("rb").readline())


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[1]", b"\xff", b"[" * 200_000, b'{"verb": [], "arguments": {}}']
)
def test_what_is_no_request_is_told_so(answerer: Path, line: bytes) -> None:
    assert "is not a request" in asked(answerer, line)["error"]["message"]


def test_the_folder_of_its_socket_may_have_gone_since_the_run_before(lasting_surroundings: Path) -> None:
    path = lasting_surroundings / "swept" / "answer.sock"
    api: Any = SimpleNamespace(questions=SimpleNamespace(verbs=()))
    unused: Any = None
    made = Answerer(path, api, unused, unused, unused, unused, unused)
    try:
        assert "is not a request" in asked(path, b"{}")["error"]["message"]
    finally:
        made.close()
        path.parent.rmdir()


def test_it_takes_connections_again_once_there_are_descriptors(
    answerer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, failures = socket.socket.accept, [errno.EMFILE, errno.ECONNABORTED]

    def sometimes(self: socket.socket) -> Any:
        taken = accept(self)
        if failures:
            taken[0].close()
            raise OSError(failures.pop(), "no")
        return taken

    monkeypatch.setattr(socket.socket, "accept", sometimes)
    while failures:  # pytest's own timeout ends what never comes
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            with suppress(ConnectionError):
                connection.connect(str(answerer))
                connection.sendall(b"{}\n")
                connection.recv(1)
    assert "is not a request" in asked(answerer, b"{}")["error"]["message"]


def test_who_asks_before_its_start_was_written_down_is_told_that_it_runs(
    lasting_surroundings: Path, tmp_path: Path
) -> None:
    done: list[str] = []

    def started_at() -> int | None:
        done.append("looked")
        return 1 if len(done) > 2 else None

    questions = SimpleNamespace(verbs=("get_run",))
    api: Any = SimpleNamespace(questions=questions, ask=lambda *_: done.append("asked"))
    folder: Any = SimpleNamespace(started_at=started_at)
    shipper: Any = SimpleNamespace(flush=lambda: done.append("brought"))
    key: Any = SimpleNamespace(run_id="r")
    unused: Any = None
    path = lasting_surroundings / "asks.sock"
    made = Answerer(path, api, key, folder, shipper, unused, unused)
    try:
        for _ in range(2):
            assert asked(path, b'{"verb": "get_run", "arguments": {}}') == {"ok": None}
    finally:
        made.close()
    assert done == ["looked"] * 3 + ["brought", "asked"] * 2
