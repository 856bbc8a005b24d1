"""A node on the server's own host, by the contract; and what it does not verify twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Workspace
from faena.attempts.api import ServerApi
from faena.client.submission.capture import bring
from faena.data import staging
from faena.kernel.errors import SnapshotException
from faena.kernel.transport import Transport
from faena.node.home import Home, InPlace
from faena.testing.node_home import HomeContract


@pytest.fixture
def home(common_workspace: Workspace) -> Home:
    folder = common_workspace.files.path
    return InPlace(folder, ServerApi(Transport(folder)))


@pytest.fixture
def keep(common_workspace: Workspace) -> Callable[[bytes], str]:
    def keep_bytes(data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        common_workspace.api.send_object(digest, data)
        return digest

    return keep_bytes


@pytest.fixture
def keep_snapshot(common_workspace: Workspace, tmp_path: Path) -> Callable[[dict[str, bytes]], str]:
    def keep_files(files: dict[str, bytes]) -> str:
        source = tmp_path / "source"
        for name, data in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
        return bring(common_workspace, source).digest

    return keep_files


class TestInPlace(HomeContract):
    def test_what_was_changed_since_it_was_verified_is_not_taken_for_whole(
        self,
        home: Home,
        keep_snapshot: Callable[[dict[str, bytes]], str],
        common_workspace: Workspace,
        tmp_path: Path,
    ) -> None:
        digest = keep_snapshot({"train.py": b"print('whole')"})
        (file,) = home.files(digest)
        staging.materialise([file], home.open_object, tmp_path / "1", home.verified)
        path = common_workspace.files.objects / file["digest"][:2] / file["digest"]
        times = path.stat()
        path.chmod(0o644)
        path.write_bytes(b"print('other')")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(SnapshotException, match="damaged"):
            staging.materialise([file], home.open_object, tmp_path / "2", home.verified)
