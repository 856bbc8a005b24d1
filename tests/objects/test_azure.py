"""Objects in Azure's blobs, by the contract, on Azurite: `npm install azurite`, and AZURITE names its azurite-blob."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.kernel.errors import WorkspaceException
from faena.objects.bucket import moving
from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.objects.files import FolderObjects
from faena.testing.clock import ManualClock
from faena.testing.objects import ObjectFilesContract
from faena.testing.waiting import until
from faena.workspaces.objects_place import parsed
from tests.objects.bucket_parts import WORKSPACE, another_folder, read, wall

pytestmark = pytest.mark.campaign

_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of every Azurite, as its documentation has it."""


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The account's endpoint; it has a container `data`."""
    program = os.environ.get("AZURITE")
    if not program:
        pytest.skip("AZURITE names no azurite-blob")
    folder = tmp_path_factory.mktemp("azurite")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, f"--blobPort={port}", f"--location={folder}", "--silent", "--disableTelemetry"]
    process = subprocess.Popen([*command, "--skipApiVersionCheck"])
    try:
        until(lambda: answers(port), "it listens", seconds=60)
        endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
        make_container(endpoint)
        yield endpoint
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """It takes connections before it does."""
    try:
        urllib.request.urlopen(
            f"http://127.0.0.1:{port}/{_ACCOUNT}/data?restype=container", timeout=10
        ).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def make_container(endpoint: str) -> None:
    date, version = email.utils.formatdate(usegmt=True), "2021-08-06"
    signed = (
        "PUT"
        + "\n" * 12
        + f"x-ms-date:{date}\nx-ms-version:{version}\n/{_ACCOUNT}/{_ACCOUNT}/data\nrestype:container"
    )
    digest = hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "Authorization": f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}",
        "Content-Length": "0",
    }
    asked = urllib.request.Request(f"{endpoint}/data?restype=container", headers=headers, method="PUT")
    urllib.request.urlopen(asked, timeout=60).close()


@pytest.fixture
def url(azurite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", _KEY)
    return f"az://data/{tmp_path.name}?account={_ACCOUNT}&endpoint={azurite}"


@pytest.fixture
def hands() -> ManualClock:
    return ManualClock()


@pytest.fixture
def files(url: str, tmp_path: Path, hands: ManualClock) -> BucketObjects:
    return BucketObjects(
        tmp_path / "objects", Bucket(parsed(url), WORKSPACE), 1 << 30, hands.monotonic, wall=wall(hands)
    )


class TestAzure(ObjectFilesContract):
    many = 40


def test_a_large_one_comes_in_parts(files: BucketObjects, url: str, tmp_path: Path) -> None:
    content = os.urandom(40_000_001)
    digest, _ = files.put([content])
    other = another_folder(parsed(url), tmp_path / "other")
    assert read(other, digest) == content
    assert not other._bucket._gives_no_parts


def test_an_address_is_of_one_object(files: BucketObjects) -> None:
    content = os.urandom(9_000_000)
    (digest, _), (other, _) = files.put([content]), files.put([content[1:]])
    address = files.address(digest, 60) or ""
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.read() == content
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace(f"{digest[:2]}/{digest}", f"{other[:2]}/{other}"), timeout=60)
    assert set(files.list()) == {digest, other}
    assert files.address("0" * 64, 60) == ""


def test_objects_move_there_and_back(url: str, tmp_path: Path) -> None:
    plain = FolderObjects(tmp_path / "plain")
    put = {plain.put([content])[0] for content in (b"", b"one", os.urandom(12_000_000))}
    bucket = Bucket(parsed(url), WORKSPACE)
    assert moving.to_bucket(tmp_path / "plain", bucket).brought == 3
    assert moving.to_folder(bucket, tmp_path / "back").objects == 3
    assert set(FolderObjects(tmp_path / "back").list()) == put


def test_a_container_that_is_not_there(url: str) -> None:
    Bucket(parsed(url), WORKSPACE).try_out()
    with pytest.raises(WorkspaceException, match="container does not exist"):
        Bucket(parsed(url.replace("data", "no-such", 1)), WORKSPACE).try_out()
