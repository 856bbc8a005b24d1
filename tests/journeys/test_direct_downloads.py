"""Large objects that somebody elsewhere fetches from the bucket itself, by addresses that the server gives."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from faena import Model, Workspace
from faena.kernel import digests, from_store
from faena.kernel.errors import AuthenticationException
from faena.testing import s3
from tests.conftest import shut_down

pytestmark = pytest.mark.long
SIZE = 9_000_000
SIGNED = "X-Amz-Signature"


@pytest.fixture
def way(s3_server: s3.S3Server) -> Iterator[s3.Way]:
    from_store._resting.clear()
    with s3.way_to(s3_server) as made:
        yield made
    from_store._resting.clear()


@pytest.fixture
def team(tmp_path: Path) -> Workspace:
    return Workspace.create("team", tmp_path / "team")


@pytest.fixture
def there(
    team: Workspace,
    way: s3.Way,
    s3_server: s3.S3Server,
    signed_in: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Workspace]:
    """The workspace as somebody elsewhere has it."""
    address = s3_server.address.replace(s3_server.endpoint, way.endpoint)
    command = [sys.executable, "-m", "faena.cli", "server", "run", "--port", "0", "--objects", address]
    with subprocess.Popen(command, cwd=tmp_path / "team", stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        url = next(line for line in server.stderr if line.startswith("People")).split()[-1]
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
        token = tmp_path / "team" / ".faena" / "owner-token"
        subprocess.run(
            [sys.executable, "-m", "faena.cli", "login", url, "--token-file", str(token)],
            check=True,
            capture_output=True,
        )
        yield Workspace.connect(url)
        server.send_signal(signal.SIGTERM)
        said = server.stderr.read()
    assert SIGNED not in said
    assert not [log for log in (team.files.path).rglob("*.log") if SIGNED in log.read_text(errors="replace")]
    shut_down(team)


@pytest.fixture
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def model(there: Workspace, team: Workspace, tmp_path: Path, content: bytes) -> Model:
    (tmp_path / "net").write_bytes(content)
    made = Model.register(there, model_path=str(tmp_path / "net"), model_name="net")
    for folder in (team.files.path / "objects").glob("??"):
        shutil.rmtree(folder)
    return made


def signed(way: s3.Way) -> list[tuple[str, str]]:
    return [(verb, path) for verb, path in way.asked if SIGNED in path]


def near(team: Workspace) -> bool:
    return any((team.files.path / "objects").glob("??/*"))


def test_the_bytes_do_not_pass_through_the_server(
    model: Model, team: Workspace, way: s3.Way, tmp_path: Path, content: bytes
) -> None:
    model.download(tmp_path / "got")
    assert (tmp_path / "got" / "net").read_bytes() == content
    assert [verb for verb, _ in signed(way)] == ["GET"]
    assert not near(team)


@pytest.mark.parametrize("spoilt", ["refused", "other bytes"])
def test_what_does_not_come_from_there_comes_from_the_server(
    model: Model, team: Workspace, way: s3.Way, tmp_path: Path, content: bytes, spoilt: str
) -> None:
    if spoilt == "refused":
        way.spoil = lambda verb, path: 403 if SIGNED in path else 0
    else:
        way.change = lambda body: (
            bytes(len(body)) if len(body) == SIZE and SIGNED in way.asked[-1][1] else body
        )
    model.download(tmp_path / "got")
    assert (tmp_path / "got" / "net").read_bytes() == content
    assert signed(way)
    assert near(team)


def test_one_that_breaks_off_goes_on_where_it_was(
    model: Model, team: Workspace, way: s3.Way, tmp_path: Path, content: bytes
) -> None:
    left = [SIZE // 2]
    way.send = lambda body: (body[: left.pop()],) if left and len(body) == SIZE else (body,)
    model.download(tmp_path / "got")
    assert (tmp_path / "got" / "net").read_bytes() == content
    assert len(signed(way)) == 2
    assert not near(team)


def test_an_address_is_of_one_object_and_who_may_not_read_gets_none(
    model: Model, there: Workspace, way: s3.Way, content: bytes
) -> None:
    digest = digests.of_bytes(content)
    url = there.api.transport.json("GET", f"/objects/{digest}/address")["url"]
    where = urlsplit(url)
    assert parse_qs(where.query)["X-Amz-Expires"] == ["600"]
    other = digests.of_bytes(b"small")
    there.api.send_object(other, b"small")

    def status(verb: str, path: str) -> int:
        connection = http.client.HTTPConnection(where.hostname or "", where.port)
        try:
            connection.request(verb, f"{path}?{where.query}")
            return connection.getresponse().status
        finally:
            connection.close()

    assert status("GET", where.path) == 200
    assert status("GET", where.path.replace(f"{digest[:2]}/{digest}", f"{other[:2]}/{other}")) == 403
    assert status("PUT", where.path) == 403
    assert status("DELETE", where.path) == 403
    assert there.api.transport.json("GET", f"/objects/{other}/address") == {"url": ""}  # it is small
    assert there.api.transport.json("GET", f"/objects/{'0' * 64}/address") == {"url": ""}
    token = there.api.transport.address.token[:-1] + "x"  # type: ignore[union-attr]  # it is a URL
    with pytest.raises(AuthenticationException):
        there.api.transport.by(token).json("GET", f"/objects/{digest}/address")
