"""The way to a server at a URL: whom it trusts, when it gives up, and what it says then."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from faena.kernel.addresses import Url
from faena.kernel.connections import Answer, Broken, NotConnected
from faena.kernel.errors import ServerUnreachable, UserErrorException
from faena.kernel.remote_server import RemoteServer
from faena.kernel.tcp import end_when_silent
from faena.kernel.transport import Transport

_PATIENCE_S = 10.0
"""In which a mistaken address must be told of: five seconds, and as many again where others have the cores."""


class Speaker:
    """A server that answers each request with `[]`, over TLS where it has a certificate; it keeps what it was sent."""

    def __init__(self, certificate: Path | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.heard = b""
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            with suppress(OSError), connection:
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                while said := connection.recv(1 << 16):
                    self.heard += said
                    if not said.startswith(b"GET"):
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                        break
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
                connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@contextmanager
def speaking(certificate: Path | None) -> Iterator[Speaker]:
    speaker = Speaker(certificate)
    try:
        yield speaker
    finally:
        speaker.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two of one name that no host has; each with its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl, which makes the certificates")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("one", "two"):
        words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=nobody"]
        to = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run(["openssl", *words, *to], check=True, capture_output=True)
    return folder / "one.pem", folder / "two.pem"


def fingerprint(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


def asked(address: Url) -> object:
    """Closes its connections, for which the speaker waits."""
    transport = Transport(address, patience=0.0)
    try:
        return transport.json("GET", "/version")
    finally:
        transport.close()


def test_one_certificate_is_trusted_by_its_fingerprint_whatever_its_name(
    certificates: tuple[Path, Path],
) -> None:
    whole = fingerprint(certificates[0])
    with speaking(certificates[0]) as server:
        colons = ":".join(re.findall("..", whole.upper()))
        for given in (whole, whole[:32], colons):
            assert asked(Url(f"https://127.0.0.1:{server.port}", "token", fingerprint=given)) == []
        assert b"Bearer token" in server.heard


def test_another_certificate_is_refused_before_anything_is_sent(certificates: tuple[Path, Path]) -> None:
    wanted, found = map(fingerprint, certificates)
    with speaking(certificates[1]) as server:
        url = f"https://127.0.0.1:{server.port}"
        began = time.monotonic()
        transport = Transport(Url(url, "token", fingerprint=wanted), patience=3600.0)
        with pytest.raises(ServerUnreachable) as refused:
            transport.json("GET", "/version")
        assert time.monotonic() - began < _PATIENCE_S
        assert server.heard == b""
    for part in (
        f"{url} does not answer (its certificate has the fingerprint {found}, and the one to be trusted has {wanted}).",
        "ask whoever runs it for a new token or fingerprint",
    ):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("https://127.0.0.1:1", {"fingerprint": "12:34"}, "is no fingerprint of a certificate"),
        ("https://127.0.0.1:1", {"fingerprint": "g" * 64}, "is no fingerprint of a certificate"),
        ("https://127.0.0.1:1", {"fingerprint": "0" * 65}, "is no fingerprint of a certificate"),
        ("http://127.0.0.1:1", {"fingerprint": "0" * 64}, "use it with https"),
        (
            "https://127.0.0.1:1",
            {"fingerprint": "0" * 64, "ca": Path(__file__)},
            "without a file of certificates",
        ),
    ],
)
def test_what_is_no_fingerprint_is_refused(url: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(UserErrorException, match=said):
        Url(url, "token", **options)  # type: ignore[arg-type]  # given by name


def test_tls_where_there_is_none_and_the_reverse_are_told_in_words(certificates: tuple[Path, Path]) -> None:
    with (
        speaking(None) as server,
        pytest.raises(ServerUnreachable, match=f"port {server.port} speaks no TLS"),
    ):
        asked(Url(f"https://127.0.0.1:{server.port}", "token", fingerprint="0" * 64))
    with speaking(certificates[0]) as server, pytest.raises(ServerUnreachable, match="may speak TLS only"):
        asked(Url(f"http://127.0.0.1:{server.port}", "token"))


def test_a_wrong_host_or_port_and_one_that_is_silent_are_told_in_words() -> None:
    with socket.socket() as bound:  # nobody listens at its port
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(ServerUnreachable, match=f"Nothing listens at 127.0.0.1, port {port}"):
            asked(Url(f"http://127.0.0.1:{port}", "token"))
    with pytest.raises(ServerUnreachable, match=r"host.* 'nowhere\.invalid'"):
        asked(Url("https://nowhere.invalid", "token"))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it opens connections, and says nothing in any
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(ServerUnreachable, match=f"Nothing came back from 127.0.0.1, port {port}"):
            asked(Url(f"https://127.0.0.1:{port}", "token"))
        assert time.monotonic() - began < _PATIENCE_S


@pytest.mark.parametrize("failure", [NotConnected("refused"), Broken("it ended")])
def test_one_that_has_answered_is_waited_for_like_its_database(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Its processes are started anew, which takes longer than a wrong address is tried."""
    monkeypatch.setattr("faena.kernel.transport._WAITS", 0.0)
    failures: list[Exception] = []

    def ask(*arguments: Any, **options: Any) -> Answer:
        if failures:
            raise failures.pop()
        return real(*arguments, **options)

    with speaking(None) as server:
        transport = Transport(Url(f"http://127.0.0.1:{server.port}", "token"), patience=0.0)
        connections = transport.server.connections()
        real = connections.ask
        monkeypatch.setattr(connections, "ask", ask)
        try:
            failures += [failure]
            with pytest.raises(ServerUnreachable):
                transport.json("GET", "/version")
            assert transport.json("GET", "/version") == []
            failures += [failure, failure]
            assert transport.json("GET", "/version") == []
        finally:
            transport.close()


def test_whose_address_was_right_is_not_asked_whether_it_is() -> None:
    server = RemoteServer(Url("https://127.0.0.1:1", "token", fingerprint="0" * 64))
    cut = NotConnected("EOF")
    cut.__cause__ = ended = ssl.SSLEOFError(8, "EOF")
    ended.reason = "UNEXPECTED_EOF_WHILE_READING"
    assert "as one does that speaks no TLS" in str(server.unreachable(cut))
    server.answered()
    assert str(server.unreachable(cut)).endswith(
        "It did before: ask whoever runs it whether it is being started anew."
    )


def test_a_name_server_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def lookup(*_: object, **__: object) -> list[object]:
        answered.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    began = time.monotonic()
    with pytest.raises(ServerUnreachable, match="does this machine reach its name server"):
        asked(Url("https://faena.example.org", "token"))
    assert time.monotonic() - began < _PATIENCE_S
    answered.set()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's options are Linux's")
def test_connections_end_soon_when_the_other_host_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        end_when_silent(listener)
        with socket.create_connection(listener.getsockname()) as _, listener.accept()[0] as accepted:
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            assert [accepted.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [2, 1, 3, 5000]
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
