"""Bytes that come in pieces and go in parts: what broke off goes on where it was, and only what is whole counts."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faena.kernel import uploads
from faena.kernel.addresses import Url
from faena.kernel.errors import ServerUnreachable, UserErrorException
from faena.kernel.transport import Transport
from faena.objects.uploads import KEPT_S, sweep
from tests.server.house import Running, Visitor, running

_PIECE = 1 << 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("uploads")) as found:
        yield found


@pytest.fixture
def address(server: Running) -> Url:
    client = server.client()
    return Url(f"http://127.0.0.1:{client.port}", client.headers["Authorization"].removeprefix("Bearer "))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(os.urandom(5 * _PIECE + 17))
    return path


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def piece(client: Visitor, digest: str, offset: int, size: int, data: bytes) -> dict[str, int | bool]:
    answer = client.ask("PUT", f"/uploads/{digest}?offset={offset}&size={size}", data)
    assert answer.status == 200, answer.text
    found: dict[str, int | bool] = answer.json
    return found


class TestPieces:
    def test_count_where_the_ones_before_end_and_once(self, server: Running, file: Path) -> None:
        client, data, digest = server.client(), file.read_bytes(), digest_of(file)
        size = len(data)
        assert client.get(f"/uploads/{digest}").json == {"offset": 0, "kept": False}
        assert piece(client, digest, 0, size, data[:_PIECE])["offset"] == _PIECE
        assert piece(client, digest, 0, size, data[:_PIECE])["offset"] == _PIECE  # again
        assert (
            piece(client, digest, 3 * _PIECE, size, data[3 * _PIECE :])["offset"] == _PIECE
        )  # one is missing
        assert client.get(f"/uploads/{digest}").json == {"offset": _PIECE, "kept": False}
        assert client.get(f"/objects/{digest}").status == 404
        assert piece(client, digest, _PIECE, size, data[_PIECE:]) == {"offset": size, "kept": True}
        assert client.get(f"/objects/{digest}").body == data
        assert client.get(f"/uploads/{digest}").json == {"offset": size, "kept": True}
        assert piece(client, digest, 0, size, data[:_PIECE]) == {"offset": size, "kept": True}
        assert not list(server.house.folder.uploads.iterdir())

    def test_of_other_bytes_are_thrown_away_at_the_end(self, server: Running, file: Path) -> None:
        client, data, digest = server.client(), file.read_bytes(), digest_of(file)
        piece(client, digest, 0, len(data), b"\0" * _PIECE)  # as power loss may leave it
        answer = client.ask("PUT", f"/uploads/{digest}?offset={_PIECE}&size={len(data)}", data[_PIECE:])
        assert answer.status == 400 and "changed meanwhile" in answer.text
        assert client.get(f"/uploads/{digest}").json == {"offset": 0, "kept": False}

    def test_that_end_behind_the_whole_are_refused(self, server: Running) -> None:
        client = server.client()
        assert client.ask("PUT", f"/uploads/{'a' * 64}?offset=5&size=6", b"ab").status == 400
        assert client.ask("PUT", f"/uploads/{'a' * 64}?offset=-1&size=6", b"ab").status == 400
        assert client.ask("PUT", "/uploads/a?offset=0&size=2", b"ab").status == 400

    def test_of_nothing_are_an_object_too(self, server: Running) -> None:
        digest = hashlib.sha256(b"").hexdigest()
        assert piece(server.client(), digest, 0, 0, b"") == {"offset": 0, "kept": True}

    def test_that_nobody_goes_on_with_are_removed_after_a_day(self, server: Running) -> None:
        folder = server.house.folder.uploads
        for digest in ("b" * 64, "c" * 64):
            piece(server.client(), digest, 0, 9, b"ab")
        old = time.time() - KEPT_S - 60
        os.utime(folder / ("b" * 64), (old, old))
        (folder / "run-killed" / "code").mkdir(parents=True)  # of an export whose server was killed
        os.utime(folder / "run-killed", (old, old))
        sweep(folder)
        assert [path.name for path in folder.iterdir()] == ["c" * 64]


def test_an_upload_that_is_cut_goes_on_where_it_was(
    address: Url, server: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE", _PIECE)
    digest = digest_of(file)
    with relayed(address, cut_after=3 * _PIECE) as relay:
        cut = Transport(relay.url, patience=0.2)
        with pytest.raises(ServerUnreachable):
            uploads.send(cut, digest, file)
        cut.close()
    at = server.client().get(f"/uploads/{digest}").json
    assert 0 < at["offset"] < file.stat().st_size and not at["kept"]
    with relayed(address) as relay:
        again = Transport(relay.url)
        uploads.send(again, digest, file)
        again.close()
        left = file.stat().st_size - at["offset"]
        assert left <= relay.sent < left + _PIECE
    assert server.client().get(f"/objects/{digest}").body == file.read_bytes()


@pytest.mark.long
def test_two_who_send_one_file_do_each_other_no_harm(
    address: Url, server: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE", 1 << 12)
    transports = [Transport(address) for _ in range(4)]
    with ThreadPoolExecutor(len(transports)) as pool:
        for sent in [pool.submit(uploads.send, each, digest_of(file), file) for each in transports]:
            sent.result(60)
    for each in transports:
        each.close()
    assert server.client().get(f"/objects/{digest_of(file)}").body == file.read_bytes()


def test_what_was_spoiled_meanwhile_is_sent_anew(
    address: Url, server: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE", _PIECE)
    digest = digest_of(file)
    piece(server.client(), digest, 0, file.stat().st_size, b"\0" * 100)
    transport = Transport(address)
    uploads.send(transport, digest, file)
    assert server.client().get(f"/objects/{digest}").body == file.read_bytes()
    with pytest.raises(UserErrorException, match="changed meanwhile"):
        uploads.send(transport, "d" * 64, file)
    transport.close()


def test_files_are_sent_once_each_by_their_bytes(address: Url, server: Running, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "empty", "large")]
    for path, content in zip(paths, (b"same", b"same", b"", os.urandom(2 << 20)), strict=True):
        path.write_bytes(content)
    transport = Transport(address)
    found = uploads.bring(transport, paths)
    assert found == {str(path): digest_of(path) for path in paths}
    for path in paths:
        assert server.client().get(f"/objects/{digest_of(path)}").body == path.read_bytes()
    with pytest.raises(UserErrorException, match="There is no file"):
        uploads.bring(transport, [tmp_path])
    transport.close()


def test_a_download_that_is_cut_goes_on_where_it_was(address: Url, server: Running, tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    digest = hashlib.sha256(data).hexdigest()
    assert server.client().ask("PUT", f"/objects/{digest}", data).status == 204
    with relayed(address, answer_cut_after=1 << 20) as relay:
        transport = Transport(relay.url)
        transport.download(f"/objects/{digest}", tmp_path / "whole")
        transport.close()
        assert relay.received < len(data) + (1 << 20)  # most of it came once
        assert relay.connections > 1
    assert (tmp_path / "whole").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_a_range_is_of_the_bytes_that_were_begun(server: Running) -> None:
    client, data = server.client(), b"0123456789"
    digest = hashlib.sha256(data).hexdigest()
    client.ask("PUT", f"/objects/{digest}", data)
    tag = client.get(f"/objects/{digest}").headers["etag"]
    rest = client.get(f"/objects/{digest}", Range="bytes=4-", If_Range=tag)
    assert (rest.status, rest.body, rest.headers["content-range"]) == (206, b"456789", "bytes 4-9/10")
    for asked in (
        {"Range": "bytes=4-", "If_Range": '"other"'},
        {"Range": "bytes=4-"},
        {"Range": "bytes=10-", "If_Range": tag},
        {"Range": "lines=1-", "If_Range": tag},
    ):
        assert (found := client.get(f"/objects/{digest}", **asked)).status == 200 and found.body == data


class Relay:
    """Between a client and the gateway, whose port it has in its Host header only."""

    def __init__(self, url: Url) -> None:
        self.url = url
        self.sent = self.received = self.connections = 0


@contextmanager
def relayed(
    address: Url, cut_after: int | None = None, answer_cut_after: int | None = None
) -> Iterator[Relay]:
    """`cut_after`: so many bytes of requests, all connections end; `answer_cut_after`: each connection, of answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    far_port = urlsplit(address.url).port
    near = f"127.0.0.1:{listener.getsockname()[1]}".encode()
    relay = Relay(Url(f"http://{near.decode()}", address.token))

    def pump(source: socket.socket, sink: socket.socket, *, requests: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 14):
                if requests:
                    relay.sent += len(data)
                    if cut_after is not None and relay.sent > cut_after:
                        break
                    data = data.replace(near, f"127.0.0.1:{far_port}".encode())
                else:
                    relay.received += len(data)
                    passed += len(data)
                    if answer_cut_after is not None and passed > answer_cut_after:
                        break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if cut_after is not None and relay.sent > cut_after:
                client.close()
                continue
            relay.connections += 1
            far = socket.create_connection(("127.0.0.1", far_port or 0), timeout=60)
            pumps = [
                threading.Thread(target=pump, args=(client, far), kwargs={"requests": True}),
                threading.Thread(target=pump, args=(far, client), kwargs={"requests": False}),
            ]
            for each in pumps:
                each.start()
            ended.extend(pumps)
            open_ones.extend((client, far))

    ended: list[threading.Thread] = []
    open_ones: list[socket.socket] = []
    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield relay
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for each in open_ones:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in ended:
            thread.join()
        for each in open_ones:
            each.close()


def test_what_came_of_a_piece_that_broke_off_counts(
    server: Running, file: Path, address: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(os.urandom(12 * _PIECE))  # so that enough is left where what came first counts
    digest, read = digest_of(file), uploads._Piece.__iter__
    sent: list[int] = []

    def broken(piece: uploads._Piece) -> Iterator[bytes]:
        for number, data in enumerate(read(piece)):
            if len(sent) < 2 and number == 3:
                sent.append(number)
                raise ConnectionResetError("the cable was pulled")
            yield data

    monkeypatch.setattr(uploads, "_READ", _PIECE)
    monkeypatch.setattr("faena.objects.uploads._AT_ONCE", _PIECE)
    monkeypatch.setattr(uploads._Piece, "__iter__", broken)
    uploads.send(Transport(address), digest, file)
    assert sent == [3, 3]
    assert server.client().get(f"/objects/{digest}").body == file.read_bytes()
