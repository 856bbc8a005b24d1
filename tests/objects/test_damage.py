"""What was kept and is not what it was is never handed out as good, and heals when its bytes come again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faena.kernel import verified_times
from faena.kernel.errors import NotFound, ObjectDamaged
from faena.objects.files import FolderObjects

LARGE = os.urandom(3_500_000)


@pytest.fixture
def files(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


def written(path: Path) -> None:
    """Three bytes of it, as any program writes."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"!!!")


def lost_bits(path: Path) -> None:
    """As a disk loses them: nothing about the file tells."""
    status = path.stat()
    written(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(path: Path) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(2)


def longer(path: Path) -> None:
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(b"!")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


HARMS = [written, lost_bits, cut, longer, a_folder, a_pipe]


@pytest.mark.parametrize("data", [b"small", LARGE])
@pytest.mark.parametrize("harm", HARMS)
def test_it_is_not_handed_out_as_good(
    files: FolderObjects, harm: Callable[[Path], None], data: bytes
) -> None:
    digest, _ = files.put([data])
    harm(files.path(digest))
    for _ in range(2):
        got = b""
        with pytest.raises(ObjectDamaged, match=digest), files.open(digest) as file:
            while part := file.read(1 << 20):
                got += part
        assert len(got) < len(data), "never as many bytes as there were"
    with pytest.raises(ObjectDamaged):
        files.open_to_seek(digest)
    with pytest.raises(ObjectDamaged):
        files.check(digest)
    assert files.size(digest) is None
    assert files.size_to_keep(digest) is None


@pytest.mark.parametrize("harm", HARMS[4:])
def test_who_would_copy_what_is_no_file_hears_so_at_once(
    files: FolderObjects, harm: Callable[[Path], None]
) -> None:
    digest, _ = files.put([b"small"])
    harm(files.path(digest))
    with pytest.raises(ObjectDamaged, match=digest):
        files.open_unverified(digest)


@pytest.mark.parametrize("harm", HARMS[:4])
def test_the_same_bytes_heal_it_however_they_come(
    files: FolderObjects, harm: Callable[[Path], None], tmp_path: Path
) -> None:
    digest, size = files.put([LARGE])
    puts: list[Callable[[Path], object]] = [
        lambda path: files.put([path.read_bytes()]),
        lambda path: files.put_file(path),
        lambda path: files.put_file(path, take=True),
        lambda path: files.put_files([path], take=True)[0],
    ]
    for number, put in enumerate(puts):
        harm(files.path(digest))
        if harm is lost_bits:
            with pytest.raises(ObjectDamaged), files.open(digest) as file:
                file.read()
        source = tmp_path / str(number)
        source.write_bytes(LARGE)
        assert put(source) == (digest, size)
        with files.open(digest) as file:
            assert file.read() == LARGE
        assert files.size(digest) == size


def test_what_is_sealed_is_not_read_again(files: FolderObjects, tmp_path: Path) -> None:
    """Registering a gigabyte costs one look: what changed since shows in the file's time."""
    digest, _ = files.put([LARGE])
    assert verified_times.is_sealed(files.path(digest).stat(), digest)
    source = tmp_path / "taken"
    source.write_bytes(b"taken")
    taken, _ = files.put_file(source, take=True)
    assert verified_times.is_sealed(files.path(taken).stat(), taken)
    os.utime(files.path(digest))
    assert not verified_times.is_sealed(files.path(digest).stat(), digest)
    assert files.check(digest) == len(LARGE), "read, and found to be whole"
    assert verified_times.is_sealed(files.path(digest).stat(), digest)


def test_seals_lie_in_the_past_and_are_not_each_others() -> None:
    times = {verified_times.time_of(digest * 64) for digest in "0123456789abcdef"}
    assert len(times) == 16
    assert all(946_684_800 <= time / 1e9 < 1_200_000_000 for time in times)
    assert all(time % 2_000_000_000 == 0 for time in times), "no file system rounds them"


def test_an_error_says_what_refers_to_it(files: FolderObjects) -> None:
    digest, _ = files.put([b"bytes"])
    files.explain = lambda which: f"It is {which[:4]} of run r."
    written(files.path(digest))
    with pytest.raises(ObjectDamaged, match=f"is damaged: .* It is {digest[:4]} of run r"):
        files.open(digest)
    files.path(digest).unlink()
    with pytest.raises(ObjectDamaged, match=rf"is gone from the workspace\. It is {digest[:4]} of run r"):
        files.open(digest)
    files.explain = lambda which: ""
    with pytest.raises(NotFound):
        files.open(digest)


def test_bytes_are_read_in_any_order_once_they_are_verified(files: FolderObjects) -> None:
    digest, _ = files.put([LARGE])
    with files.open_to_seek(digest) as file:
        file.seek(1000)
        assert file.read(5) == LARGE[1000:1005]
    lost_bits(files.path(digest))
    again = FolderObjects(files.path(digest).parents[1])
    with pytest.raises(ObjectDamaged):
        again.open_to_seek(digest)
