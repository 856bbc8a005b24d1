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
    made = Answerer(path, api, unused, unused, unused, unused)
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
