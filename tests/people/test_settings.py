"""How a shared server is set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.kernel.errors import UserErrorException
from faena.people.settings import Settings, as_environment, read


def test_flags_count_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text(
        'address = "10.0.0.1"\nport = 1\nowner = "ada"\nnames = ["a.example", "b.example"]\nurl = "https://a.example/"\n'
    )
    environment = {"FAENA_SERVER_PORT": "2", "FAENA_SERVER_OWNER": "bob", "PATH": "/bin"}
    found = read(environment, file, {"owner": "cleo"})
    assert found == Settings(
        "10.0.0.1", 2, names=("a.example", "b.example"), url="https://a.example", owner="cleo"
    )
    assert read(as_environment(found)) == found


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("port = 7")
    assert read({"FAENA_SERVER_SETTINGS": str(tmp_path / "s.toml")}).port == 7


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("porto = 1\nowner = true\n")
    environment = {
        "FAENA_SERVER_PORT": "99999",
        "FAENA_SERVER_NAMES": "faena.example.org,https://faena.example.org",
        "FAENA_SERVER_URL": "faena.example.org",
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
        "names has 'https://faena.example.org', not",
        "url is 'faena.example.org', not",
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


ISSUER = {
    "FAENA_SERVER_OIDC_ISSUER": "https://accounts.example.org/team",
    "FAENA_SERVER_OIDC_CLIENT_ID": "faena",
}


def test_an_issuer_and_who_may_come(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    file = tmp_path / "server.toml"
    file.write_text(
        f'oidc_client_secret_file = "{tmp_path / "secret"}"\noidc_allow = ["@example.org", "group:lab"]\n'
    )
    found = read({**ISSUER, "FAENA_SERVER_OIDC_NEWCOMERS": "reader"}, file).openid
    assert found is not None
    assert (found.client_secret, found.allow) == ("s3cret", ("@example.org", "group:lab"))
    assert (found.name_claim, found.scopes, found.newcomers) == ("email", "openid email profile", "reader")
    assert "s3cret" not in repr(read(ISSUER, file))
    again = read(as_environment(read({**ISSUER, "FAENA_SERVER_OIDC_NEWCOMERS": "reader"}, file)))
    assert again.openid == found


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ISSUER", "accounts.example.org", "oidc_issuer is"),
        ("ISSUER", "http://accounts.example.org", "oidc_issuer is"),
        ("ISSUER", "https://a:b@accounts.example.org", "oidc_issuer is"),
        ("ISSUER", "https://accounts.example.org/?a", "oidc_issuer is"),
        ("CLIENT_ID", "", "oidc_client_id is"),
        ("CLIENT_SECRET_FILE", "/none/there", "cannot be read"),
        ("SCOPES", "email", "oidc_scopes is"),
        ("NAME_CLAIM", "a b", "oidc_name_claim is"),
        ("ALLOW", "example.org", "oidc_allow has 'example.org'"),
        ("NEWCOMERS", "owner", "oidc_newcomers is 'owner'"),
        ("NEWCOMERS", "reader", "say who may come"),
    ],
)
def test_what_is_wrong_about_an_issuer(name: str, value: str, why: str) -> None:
    given = {**ISSUER, f"FAENA_SERVER_OIDC_{name}": value, "FAENA_SERVER_OIDC_CLIENT_SECRET": "s3cret"}
    with pytest.raises(UserErrorException) as told:
        read(given)
    assert why in told.value.message
    assert "s3cret" not in told.value.message


def test_what_is_said_of_an_issuer_that_is_not_named() -> None:
    with pytest.raises(UserErrorException, match="oidc_allow is given without oidc_issuer"):
        read({"FAENA_SERVER_OIDC_ALLOW": "*"})
