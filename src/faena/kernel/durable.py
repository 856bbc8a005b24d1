"""Small files that are whole or absent, however many write at once; also after power loss, unless it is said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Put `data` at `path`; readers find the earlier content or the new one. `mode`: of the file, before the umask.

    Raises OSError.
    """
    with _written(path, data, mode) as temporary:
        temporary.replace(path)
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """As `write_atomically`, for the processes of this host alone: after power loss it may be empty or not there.

    It waits for no disk. Raises OSError.
    """
    temporary = _beside(path)
    try:
        descriptor = _created(temporary, mode)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise


def write_once(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Put `data` at `path` unless something is there. Of several at once, exactly one succeeds. `mode`: as above.

    Raises FileExistsError, and OSError for what else goes wrong.
    """
    with _written(path, data, mode) as temporary:
        os.link(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written(path: Path, data: bytes, mode: int = 0o666) -> Iterator[Path]:
    """A file beside `path` under a name that no other thread or process uses; its bytes are on the disk."""
    temporary = _beside(path)
    try:
        with os.fdopen(_created(temporary, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        _remove(temporary)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{os.urandom(8).hex()}")


def _created(path: Path, mode: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):  # Python 3.7 has no missing_ok, and guards run there
        path.unlink()
