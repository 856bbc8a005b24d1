"""A workspace at a URL: the same handles and commands, with a token, and no folder and no start of a server."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import azureml.core
import pytest

from faena import Experiment, Workspace
from faena.client.workspaces import logins
from faena.client.workspaces.opened import OpenedWorkspace
from faena.kernel.addresses import Url
from faena.kernel.errors import (
    AuthenticationException,
    NoFolder,
    ServerUnreachable,
    UserErrorException,
    WorkspaceException,
)
from faena.kernel.transport import Transport
from tests.cli.terminal import piped


@pytest.fixture
def address(lasting_workspace: Workspace) -> Url:
    """The gateway of a server on this host."""
    port = urlsplit(lasting_workspace.api.gateway.open(None).url).port
    token = (lasting_workspace.files.path / "token").read_text().strip()
    return Url(f"http://127.0.0.1:{port}", token)


def test_handles_work_as_in_a_folder(lasting_workspace: Workspace, address: Url) -> None:
    run = Experiment(lasting_workspace, "here").start_logging(snapshot_directory=None, outputs=None)
    run.log("loss", 0.5)
    run.complete()
    there = Workspace.connect(address.url, address.token)
    assert (there.name, there.id) == (lasting_workspace.name, lasting_workspace.id)
    assert there.get_run(run.id).get_metrics() == {"loss": 0.5}
    there.get_run(run.id).tag("team", "a")
    assert lasting_workspace.get_run(run.id).get_tags()["team"] == "a"
    assert address.token not in repr(there) + repr(address)
    with pytest.raises(NoFolder, match=f"at {address.url} has no folder on this machine"):
        print(there.folder)


@pytest.mark.long
def test_commands_take_it_with_a_token_from_the_environment(
    lasting_workspace: Workspace, address: Url, tmp_path: Path
) -> None:
    Experiment(lasting_workspace, "listed").start_logging(snapshot_directory=None, outputs=None).complete()
    file = tmp_path / "token"
    file.write_text(f"{address.token}\n")
    for given in ({"FAENA_TOKEN": address.token}, {"FAENA_TOKEN_FILE": str(file)}):
        done = piped(tmp_path, "-w", address.url, "runs", "--json", given=given)
        assert done.returncode == 0, done.stderr
        assert "listed" in {row["experiment"] for row in json.loads(done.stdout)}
    lacking = piped(tmp_path, "-w", address.url, "runs")
    assert (lacking.returncode, lacking.stderr.count(b"\n")) == (1, 1)
    assert b"FAENA_TOKEN_FILE" in lacking.stderr


def test_v1s_words_find_it_by_the_config_that_they_wrote(
    address: Url, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAENA_TOKEN", address.token)
    azureml.core.Workspace.connect(address.url).write_config(tmp_path)
    found = azureml.core.Workspace.from_config(tmp_path)
    assert json.loads((tmp_path / ".azureml" / "config.json").read_text())["workspace_url"] == address.url
    assert found.get_details()["name"] == Workspace.connect(address.url).name
    assert found.get_details()["storageAccount"] == address.url
    assert found.update(tags={"team": "a"})["tags"] == {"team": "a"}


@pytest.mark.parametrize("variable", ["FAENA_TOKEN", "FAENA_TOKEN_FILE"])
def test_a_token_of_the_environment_counts_before_a_login(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    logins.remember("http://127.0.0.1:9", logins.Login("of-ada"))
    (tmp_path / "token").write_text("of-bob\n")
    monkeypatch.setenv(variable, "of-bob" if variable == "FAENA_TOKEN" else str(tmp_path / "token"))
    for opened in (OpenedWorkspace.from_config(), OpenedWorkspace.connect("http://127.0.0.1:9")):
        assert isinstance(opened.address, Url)
        assert opened.address.token == "of-bob"
    monkeypatch.delenv(variable)
    assert isinstance(known := OpenedWorkspace.from_config().address, Url)
    assert known.token == "of-ada"


def test_a_name_that_only_a_server_of_a_login_has_is_its_workspace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    (tmp_path / "config.json").write_text('{"workspace_name": "vision"}')
    logins.remember("http://127.0.0.1:9", logins.Login("of-ada", workspace="vision"))
    logins.remember("http://127.0.0.1:10", logins.Login("of-ada", workspace="speech"))
    assert OpenedWorkspace.get("vision").url == "http://127.0.0.1:9"
    assert OpenedWorkspace.from_config(tmp_path).url == "http://127.0.0.1:9"
    with pytest.raises(WorkspaceException, match="sound"):
        OpenedWorkspace.get("sound")
    here = OpenedWorkspace.create("vision", tmp_path)
    assert OpenedWorkspace.get("vision").id == OpenedWorkspace.from_config(tmp_path).id == here.id


def test_without_the_token_nothing_is_answered(address: Url) -> None:
    with pytest.raises(AuthenticationException, match=r"not this workspace's: it is in `\.faena/token`"):
        Workspace.connect(address.url, "x" * 43).api.version()


def test_no_server_is_started_where_none_answers(lasting_workspace: Workspace) -> None:
    with socket.socket() as bound:  # nobody listens at its port
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        transport = Transport(Url(url, "token"), patience=0.1)
        with pytest.raises(ServerUnreachable, match=f"The server at {url} does not answer"):
            transport.json("GET", "/version", start=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://127.0.0.1", "is no address of a server"),
        ("http://", "is no address of a server"),
        ("http://127.0.0.1:99999", "is no address of a server"),
        ("http://127.0.0.1/?a=b", "is no address of a server"),
        ("http://me:secret@127.0.0.1", "holds no user or password"),
        ("http://192.0.2.1", "would send the token unencrypted"),
        ("http://[::1", "is no address of a server"),
    ],
)
def test_what_is_no_address_is_refused_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(UserErrorException, match=said) as refused:
        Workspace.connect(url, "token")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("token", ["", " ", "a\nb", "é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(UserErrorException, match="The token for"):
        Workspace.connect("http://127.0.0.1:1", token)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl, which makes the certificates")
class TestCertificates:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """Of 127.0.0.1, signed by itself, with its key in the same file."""
        key, found = tmp_path / "key.pem", tmp_path / "certificate.pem"
        words = (
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=faena -addext subjectAltName=IP:127.0.0.1"
        )
        subprocess.run(
            ["openssl", *words.split(), "-keyout", str(key), "-out", str(found)],
            check=True,
            capture_output=True,
        )
        return found

    def test_one_is_trusted_where_it_is_named(self, address: Url, certificate: Path) -> None:
        with encrypted(certificate, urlsplit(address.url).port or 0) as port:
            url = f"https://127.0.0.1:{port}"
            # the gateway answers under its own port only: the tunnel's other name is what it refuses, with its words
            with pytest.raises(UserErrorException):
                Workspace.connect(url, address.token, ca=certificate).api.version()
            with pytest.raises(ServerUnreachable, match="certificate verify failed"):
                Workspace.connect(url, address.token).api.version()

    def test_a_file_without_any_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("none")
        with pytest.raises(UserErrorException, match=r"certificates in .* cannot be read"):
            Workspace.connect("https://127.0.0.1:1", "token", ca=tmp_path / "ca.pem").api.version()
        with pytest.raises(UserErrorException, match="There is no file of certificates"):
            Workspace.connect("https://127.0.0.1:1", "token", ca=tmp_path / "gone.pem")


@contextmanager
def encrypted(certificate: Path, port: int) -> Iterator[int]:
    """A port whose connections are decrypted and passed on to `port`, one at a time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with (
                suppress(OSError),
                context.wrap_socket(raw, server_side=True) as near,
                socket.create_connection(("127.0.0.1", port), timeout=60) as far,
            ):
                far.sendall(near.recv(1 << 16))
                near.sendall(far.recv(1 << 16))

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        serving.join()
