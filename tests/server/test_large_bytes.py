"""Large bytes take little memory, and what is slow about them holds up nobody else."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from faena import Workspace
from faena.kernel import batches
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import UserErrorException
from faena.kernel.unresponsive import listener
from tests.server.house import running

SENT = 96 << 20


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


def most_memory(workspace: Workspace) -> int:
    """Bytes that the server has had at once so far."""
    status = Path(f"/proc/{listener(Rendezvous(workspace.files.path))}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) << 10


@pytest.mark.long
def test_an_object_of_any_size_is_taken_without_having_it_in_memory(workspace: Workspace) -> None:
    data = os.urandom(1 << 20) * (SENT >> 20)
    digest = hashlib.sha256(data).hexdigest()
    small = hashlib.sha256(b"small").hexdigest()
    send = workspace.api.transport.request
    assert send("PUT", f"/objects/{small}", b"small").status == 204
    before = most_memory(workspace)
    assert send("PUT", f"/objects/{digest}", data).status == 204
    assert most_memory(workspace) - before < SENT / 4
    with workspace.files.objects.joinpath(digest[:2], digest).open("rb") as kept:
        assert hashlib.file_digest(kept, "sha256").hexdigest() == digest


def test_bytes_of_another_digest_are_refused_and_leave_nothing(workspace: Workspace) -> None:
    digest, other = (hashlib.sha256(data).hexdigest() for data in (b"x" * 5_000_000, b"y" * 5_000_000))
    with pytest.raises(UserErrorException, match=f"have digest {other}, not {digest}"):
        workspace.api.transport.json_answer("PUT", f"/objects/{digest}", b"y" * 5_000_000)
    objects = workspace.files.objects
    assert not (objects / digest[:2] / digest).exists() and not (objects / other[:2] / other).exists()
    assert not list((objects / "incoming").iterdir())


@pytest.mark.long
def test_files_that_are_taken_slowly_hold_up_no_submission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as server:
        begun, go_on = threading.Semaphore(0), threading.Event()
        put_file = server.house.objects.files.put_file

        def put_slowly(path: Path, *, take: bool = False, expected: str = "") -> tuple[str, int]:
            begun.release()
            go_on.wait(120)
            return put_file(path, take=take, expected=expected)

        monkeypatch.setattr(server.house.objects.files, "put_file", put_slowly)
        large = tmp_path / "large"
        with large.open("wb") as file:
            file.truncate(40 << 20)
        digest = hashlib.sha256(bytes(40 << 20)).hexdigest()
        client = server.client()

        def take(path: Path, expected: str) -> Future[tuple[str, int]]:
            """As for a client at the socket, whose paths are taken."""
            taken = server.house.objects.put_file(path, expected=expected)
            return asyncio.run_coroutine_threadsafe(taken, server.loop)

        taking = [take(large, digest) for _ in range(24)]
        try:
            for _ in range(8):
                assert begun.acquire(timeout=60)
            code = b"print(1)"
            small = hashlib.sha256(code).hexdigest()
            asked = b'{"digests": ["%s"]}' % small.encode()
            assert client.ask("POST", "/objects/missing", asked).json == [small]
            assert client.ask("POST", "/objects/batch", batches.write([(small, code)])).status == 204
            assert client.ask("POST", "/objects/missing", asked).json == []
            assert client.ask("PUT", f"/objects/{small}", code).status == 204
            (tmp_path / "train.py").write_bytes(code)
            monkeypatch.setattr(server.house.objects.files, "put_file", put_file)
            assert take(tmp_path / "train.py", small).result(60) == (small, len(code))
            assert not any(each.done() for each in taking)
        finally:
            go_on.set()
        assert {each.result(120) for each in taking} == {(digest, 40 << 20)}
