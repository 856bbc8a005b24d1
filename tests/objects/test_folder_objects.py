"""Objects in a folder, by the contract and beyond it."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from faena.kernel.copying import copy
from faena.kernel.errors import StorageFull, UserErrorException
from faena.objects.contract import FileChanged
from faena.objects.files import FolderObjects
from faena.objects.pins import Pins
from faena.testing.clock import ManualClock
from faena.testing.objects import ObjectFilesContract


@pytest.fixture
def hands() -> ManualClock:
    return ManualClock()


@pytest.fixture
def files(tmp_path: Path, hands: ManualClock) -> FolderObjects:
    return FolderObjects(tmp_path / "objects", hands.monotonic)


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


@pytest.mark.parametrize("take", [False, True])
def test_a_pipe_is_refused_and_not_waited_for(files: FolderObjects, tmp_path: Path, take: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserErrorException, match="pipe is no regular file"):
        files.put_file(tmp_path / "pipe", take=take)
    assert list(files.list()) == []


def test_a_file_that_cannot_be_linked_is_copied(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    source = tmp_path / "model.npz"
    source.write_bytes(b"x" * 100_000)
    digest, size = files.put_file(source, take=True)
    assert (size, files.path(digest).read_bytes()) == (100_000, b"x" * 100_000)
    assert files.path(digest).stat().st_ino != source.stat().st_ino


@pytest.mark.parametrize("take", [False, True])
def test_of_many_files_each_is_on_the_disk_before_its_name_and_each_name_before_the_answer(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: bool
) -> None:
    synced: set[int] = set()
    unsynced_names: set[Path] = set()
    real = os.fsync, os.link, Path.rename

    def fsync(descriptor: int) -> None:
        before = tuple(unsynced_names.copy())
        real[0](descriptor)
        here = os.fstat(descriptor).st_ino
        synced.add(here)
        unsynced_names.difference_update(name for name in before if name.parent.stat().st_ino == here)

    def named(source: Path, target: Path) -> None:
        assert source.stat().st_ino in synced, "its bytes are on the disk"
        unsynced_names.add(Path(target))

    def link(source: Path, target: Path) -> None:
        named(source, target)
        real[1](source, target)

    def rename(source: Path, target: Path) -> Path:
        named(source, target)
        return real[2](source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(Path, "rename", rename)
    paths = [tmp_path / str(number) for number in range(100)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    found = files.put_files(paths, take=take)
    assert not unsynced_names
    assert len({each[0] for each in found if isinstance(each, tuple)}) == 100
    assert not files._unsynced


@pytest.mark.parametrize("take", [False, True])
def test_a_file_that_another_thread_takes_while_it_is_read_was_not_written(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: bool
) -> None:
    """As one that a run has by two names, once behind a link to a folder: both are kept at once."""
    source = tmp_path / "model.npz"
    source.write_bytes(b"weights")
    other_name = tmp_path / "other.npz"
    if take:  # what has two names is copied all the same
        os.link(source, other_name)

    def copied_meanwhile_taken(here: Any, there: Any) -> None:
        copy(here, there)
        other_name.unlink(missing_ok=True)
        files.put_file(source, take=True)

    monkeypatch.setattr("faena.objects.files.copy", copied_meanwhile_taken)
    assert files.put_file(source, take=take)[1] == 7


def test_a_file_that_is_written_while_it_is_read_is_refused(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "model.npz"
    source.write_bytes(b"weights")

    def copied_meanwhile_written(here: Any, there: Any) -> None:
        copy(here, there)
        source.write_bytes(b"Weights")

    monkeypatch.setattr("faena.objects.files.copy", copied_meanwhile_written)
    with pytest.raises(FileChanged, match=r"model\.npz changed while it was read"):
        files.put_file(source)


def test_who_finds_bytes_whose_name_is_not_on_the_disk_yet_waits_for_it(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that put the same bytes at once, neither says that they are kept before they are."""
    source = tmp_path / "model.npz"
    source.write_bytes(b"weights")
    folders: list[str] = []
    monkeypatch.setattr("faena.objects.unsynced.sync_folder", lambda folder: folders.append(folder.name))
    with files._unsynced.on_disk() as names:
        digest, _ = files._put_file(source, False, names, files._pins.pin)
        folders.clear()
        files.put_file(source)
        assert folders == [digest[:2]]
    folders.clear()
    files.put_file(source)
    assert folders == []


def test_many_at_once_are_on_the_disk_before_they_have_their_names(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes, then names, then what holds the names; nothing of it is left for a power loss."""
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted(descriptor: int) -> None:
        done.append(f"synced {Path(f'/proc/self/fd/{descriptor}').readlink()}")
        fsync(descriptor)

    def named(source: str, target: str) -> None:
        done.append(f"named {source} {target}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", named)
    sizes = files.put_all([b"%d" % number for number in range(20)])
    assert len(sizes) == 20
    naming = [line.split()[1:] for line in done if line.startswith("named")]
    assert sorted(Path(target).name for _, target in naming) == sorted(sizes)
    for source, target in naming:
        at = done.index(f"named {source} {target}")
        assert f"synced {source}" in done[:at]
        assert f"synced {Path(target).parent}" in done[at:]
    assert f"synced {tmp_path / 'objects'}" in done
    assert all(stat.S_IMODE(files.path(digest).stat().st_mode) == 0o444 for digest in sizes)
    assert not any((tmp_path / "objects" / "incoming").iterdir())


def test_many_at_once_on_a_full_disk_are_refused(
    files: FolderObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="is full"):
        files.put_all([b"a", b"b"])
    assert list(files.list()) == []
    assert not any((tmp_path / "objects" / "incoming").iterdir())


def test_who_asks_again_for_many_objects_waits_no_longer_than_the_first_time() -> None:
    pins = Pins(time.monotonic)
    many = [f"{each:064x}" for each in range(40_000)]

    def seconds() -> float:
        began = time.process_time()
        for digest in many:
            pins.pin(digest)
        return time.process_time() - began

    first = seconds()
    assert seconds() < 4 * first + 0.1, "0.8 s where those of before are passed over one by one each time"
