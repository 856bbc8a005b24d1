"""How a shared server is set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.kernel.errors import UserErrorException
from faena.people.settings import Settings, as_environment, read


def test_flags_count_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('address = "10.0.0.1"\nport = 1\nowner = "ada"\nnames = ["a.example", "b.example"]\n')
    environment = {"FAENA_SERVER_PORT": "2", "FAENA_SERVER_OWNER": "bob", "PATH": "/bin"}
    found = read(environment, file, {"owner": "cleo"})
    assert found == Settings("10.0.0.1", 2, names=("a.example", "b.example"), owner="cleo")
    assert read(as_environment(found)) == found


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("port = 7")
    assert read({"FAENA_SERVER_SETTINGS": str(tmp_path / "s.toml")}).port == 7


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("porto = 1\nowner = true\n")
    environment = {
        "FAENA_SERVER_PORT": "99999",
        "FAENA_SERVER_ADDRESS": "here",
        "FAENA_SERVER_KEY": str(tmp_path / "none"),
        "FAENA_SERVER_COLOUR": "red",
    }
    with pytest.raises(UserErrorException) as told:
        read(environment, file)
    for part in (
        "'porto'",
        "owner is 'True'",
        "port is '99999'",
        "address is 'here'",
        "none'",
        "COLOUR",
        "together",
    ):
        assert part in told.value.message


@pytest.mark.parametrize("text", ["port = ", "\x00", "[" * 2000, "port = 1\nport = 2"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(UserErrorException, match=r"s\.toml cannot be read"):
        read({}, tmp_path / "s.toml")
