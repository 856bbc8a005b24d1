"""Copies that are verified, on disk, and whole before they have their name. Of ours, it imports the kernel only."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

from faena.kernel import verified_times
from faena.kernel.copying import copy
from faena.kernel.durable import sync_folder
from faena.kernel.errors import FaenaError

T = TypeVar("T")
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a disk without space answers."""

PARTIAL = ".incoming.part"
"""Beside a tree that is copied to, never in it: what a kill leaves is no file of the tree."""

_AT_ONCE = 4
_PART = 1_000
_SHORT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Says nothing about the file that was to be opened."""


class Unreadable(Exception):
    """What was to be copied is not there, cannot be read, or is not what its digest says."""


def opened_file(path: Path, most: int) -> BinaryIO:
    """A file of a backup, whoever made that. Raises OSError for what is no regular file, or has more bytes."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no regular file", str(path))
    if found.st_size > most:
        file.close()
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
    return file


def read_file(path: Path, most: int) -> bytes:
    """All of it. Raises OSError as `opened_file`."""
    with opened_file(path, most) as file:
        return file.read()


def copy_object(opening: Callable[[], BinaryIO], target: Path, digest: str, *, mode: int = 0o444) -> int:
    """Copy the bytes of a digest; how many they are. The name in its folder is on disk after `sync_tree`.

    Raises Unreadable, leaving what was at `target` as it is, and OSError where `target` cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    try:
        with _opened(opening) as source, partial.open("w+b") as file:
            _copy(source, file)
            file.flush()
            file.seek(0)
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise Unreadable(f"{digest} is damaged")
            size = file.tell()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            verified_times.seal(file.fileno(), digest)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return size


def copy_tree(source: Path, target: Path, before: Path | None = None) -> tuple[set[Path], list[str]]:
    """Copy the files below a folder that others may change meanwhile; (those there are, those that cannot be read).

    Both relative to `source`. A file whose size and time are those of the copy is not copied again; one that has those
    of the copy in `before`, an earlier target that nobody writes, is linked to that where the file system can. What is
    in `target` alone stays. Symbolic links are not followed, and count as what cannot be read. Raises OSError for
    `target`.
    """
    found: set[Path] = set()
    unread: list[str] = []

    def tell(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # it went meanwhile, or was never there
            unread.append(os.path.relpath(error.filename, source))

    for place, folders, names in os.walk(source, onerror=tell):
        inner = Path(place).relative_to(source)
        _make_way(target / inner, for_folder=True)
        (target / inner).mkdir(parents=True, exist_ok=True)
        unread += [str(inner / name) for name in folders if Path(place, name).is_symlink()]
        for name in names:
            earlier = None if before is None else before / inner / name
            try:
                if not _copy_file(
                    Path(place, name), target / inner / name, target.with_name(PARTIAL), earlier
                ):
                    continue
            except Unreadable:
                unread.append(str(inner / name))
            found.add(inner / name)
    return found, sorted(unread)


def remove_others(target: Path, kept: set[Path]) -> None:
    """Remove what lies in a folder and is none of `kept`, which are relative to it; silent when it is not there."""
    for place, _, names in os.walk(target, topdown=False):
        for name in names:
            if Path(place, name).relative_to(target) not in kept:
                Path(place, name).unlink()
        if not any(Path(place).iterdir()):
            Path(place).rmdir()


def in_parallel(work: Callable[[str], T], given: Sequence[str]) -> Iterator[T]:
    """The results in order. Several files are brought to the disk together, in less time than one by one."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="backup") as pool:
        for first in range(0, len(given), _PART):
            yield from pool.map(work, given[first : first + _PART])


def sync_tree(folder: Path) -> None:
    """Make the names in a folder, and in all below it, survive power loss; silent when it is not there."""
    for place, _, _ in os.walk(folder):
        sync_folder(Path(place))


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(opening: Callable[[], BinaryIO]) -> BinaryIO:
    try:
        return opening()
    except FaenaError as error:
        raise Unreadable(error.message) from error
    except OSError as error:
        if error.errno in _SHORT_OF:
            raise
        raise Unreadable(str(error)) from error


def _copy(source: BinaryIO, file: BinaryIO) -> None:
    try:
        copy(source, file)
    except OSError as error:
        if error.errno in FULL or _can_be_read(source):
            raise
        raise Unreadable(str(error)) from error


def _can_be_read(source: BinaryIO) -> bool:
    """Which of two files failed, a copy inside the kernel does not tell."""
    try:
        source.seek(0)
        while source.read(1 << 20):
            pass
    except OSError:
        return False
    return True


def _copy_file(source: Path, target: Path, partial: Path, before: Path | None) -> bool:
    """False: it went meanwhile. Raises Unreadable."""
    try:
        there = source.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(there.st_mode):
        raise Unreadable(f"{source} is no regular file")
    if _is_same(there, target):
        return True
    _make_way(target, for_folder=False)
    if before is not None and _is_same(there, before) and _linked(before, target):
        return True
    try:
        with _opened(lambda: source.open("rb")) as reading, partial.open("wb") as file:
            _copy(reading, file)
            file.flush()
            # As it was before: what was written meanwhile is copied the next time.
            os.utime(file.fileno(), ns=(there.st_atime_ns, there.st_mtime_ns))
            os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
            os.fsync(file.fileno())
        partial.replace(target)
    except Unreadable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise
    finally:
        partial.unlink(missing_ok=True)
    return True


def _is_same(there: os.stat_result, target: Path) -> bool:
    try:
        ours = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    same = (ours.st_size, ours.st_mtime_ns) == (there.st_size, there.st_mtime_ns)
    return same and stat.S_ISREG(ours.st_mode)


def _linked(before: Path, target: Path) -> bool:
    try:
        target.unlink(missing_ok=True)
        os.link(before, target)
    except OSError:  # a file system without links, or one that has too many
        return False
    return True


def _make_way(target: Path, *, for_folder: bool) -> None:
    """A name may stand for a file today, for a folder before."""
    if target.is_symlink() or (target.exists() and target.is_dir() != for_folder):
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()
