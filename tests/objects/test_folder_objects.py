"""Objects in a folder, by the contract and beyond it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from faena.objects.files import FolderObjects
from faena.testing.objects import ObjectFilesContract


@pytest.fixture
def files(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


class TestFolder(ObjectFilesContract):
    pass


def test_a_taken_file_shares_its_blocks(files: FolderObjects, tmp_path: Path) -> None:
    source = tmp_path / "model.npz"
    source.write_bytes(b"x" * 100_000)
    digest, _ = files.put_file(source, take=True)
    assert files.path(digest).stat().st_ino == source.stat().st_ino


def test_objects_cannot_be_written(files: FolderObjects) -> None:
    digest, _ = files.put([b"x"])
    assert stat.S_IMODE(files.path(digest).stat().st_mode) == 0o444


def test_what_a_killed_server_left_half_written_goes_with_the_next(tmp_path: Path) -> None:
    files = FolderObjects(tmp_path / "objects")
    (tmp_path / "objects" / "incoming" / "half").write_bytes(b"x")
    files = FolderObjects(tmp_path / "objects")
    assert list(files.list()) == []
    assert not any((tmp_path / "objects" / "incoming").iterdir())
