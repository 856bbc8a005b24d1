"""What a full disk takes from a node elsewhere: work, but not the word of how a script ended."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from faena.kernel.errors import StorageFull, UserErrorException
from faena.node import room


def test_a_disk_without_room_is_named_with_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=6_000_000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    said = room.lacking(tmp_path / "not" / "there")
    assert asked == [tmp_path]
    assert "6 MB free" in said
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10 * room.ENOUGH))
    assert room.lacking(tmp_path) == ""


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (StorageFull("no room"), True),
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.EDQUOT, "quota"), True),
        (PermissionError(errno.EACCES, "no"), False),
        (UserErrorException("no"), False),
    ],
)
def test_what_tells_of_a_full_disk(error: Exception, full: bool) -> None:
    assert room.is_full(error) is full


def test_what_is_reserved_is_given_back_once_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = room.Reserve(tmp_path)
    [file] = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= 1 << 20, "it takes its room"
    reserve.give_when_full()
    assert file.exists()
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=3, f_frsize=4096))
    reserve.give_when_full()
    assert not file.exists()
    assert reserve.is_given
    reserve.give_when_full()


def test_a_disk_that_is_full_already_has_none_to_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    room.Reserve(tmp_path).give_when_full()
