"""What a command says of a server elsewhere, of its token, and of places."""

from __future__ import annotations

import socket

import pytest

from faena.cli import data_option
from faena.cli.common import _check_token
from faena.kernel.errors import ServerUnreachable, UserErrorException


def test_where_nothing_listens_nobody_asks_for_a_check_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAENA_TOKEN", raising=False)
    monkeypatch.delenv("FAENA_TOKEN_FILE", raising=False)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        with pytest.raises(ServerUnreachable, match="does not answer"):
            _check_token(url)
        door.listen()
        with pytest.raises(UserErrorException, match="asks for a token"):
            _check_token(url)


def test_a_token_file_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_TOKEN_FILE", "/dev/zero")
    with pytest.raises(UserErrorException, match="no token"):
        _check_token("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mnist", "mnist"),
        ("mnist:2", "mnist"),
        ("mnist:2,download", "mnist"),
        ("./d", "d"),
        ("./data-2/,download", "data_2"),
        ("/a=b/c.csv", "c_csv"),
        ("https://example.org/x/y.csv", "y_csv"),
        ("datastore://blobs/results,upload", "results"),
    ],
)
def test_the_name_of_data_that_has_none(text: str, name: str) -> None:
    assert data_option._own_name(text) == name
