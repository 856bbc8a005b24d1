"""What an address keeps to itself is neither shown nor stored."""

from __future__ import annotations

import pytest

from faena.environments import conda
from faena.environments.redaction import redacted
from faena.kernel.errors import UserErrorException


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("--index-url https://user:word@host/simple", "--index-url https://***@host/simple"),
        ("https://user:w@rd@host/simple then user@host", "https://***@host/simple then user@host"),
        ("http://token@a/ http://b:c@d", "http://***@a/ http://***@d"),
        ("https://conda.example/t/tk-1-ab/main/noarch", "https://conda.example/t/***/main/noarch"),
        ("https://u:p@conda.example/t/tk/main", "https://***@conda.example/t/***/main"),
        ("https://host/t/x", "https://host/t/x"),
        ("/home/t/a/b git@host:a/b.git", "/home/t/a/b git@host:a/b.git"),
        ("https://host/a@b?c=d@e", "https://host/a@b?c=d@e"),
    ],
)
def test_secrets_of_addresses_are_hidden(text: str, kept: str) -> None:
    assert redacted(text) == kept


def test_what_is_kept_has_none_of_it() -> None:
    assert redacted('{"a":"https://u:p@host/x"}', mark="") == '{"a":"https://host/x"}'


def test_a_channel_with_a_token_is_refused_without_showing_it() -> None:
    for entry in (
        "https://conda.example/t/tk-123/main::six",
        "six[channel=https://conda.example/t/tk-123/main/]",
    ):
        with pytest.raises(UserErrorException, match="token") as refused:
            conda.parse(entry)
        assert "tk-123" not in str(refused.value)
    assert conda.parse("https://conda.example/main::six").name == "six"
