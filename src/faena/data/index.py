"""What the last capture of a source folder read, so that the next one reads changed files only."""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path

import msgspec

_FORMAT = 1
_MARGIN_NS = 2_000_000_000
"""Coarser than the time stamps of any file system in use (2 s on FAT, 1 s on old NFS)."""

Stamp = tuple[int, int, int, int, int]
"""Size, mtime and ctime in nanoseconds, inode, mode: one changes with the content at least, but see `Index.settled`."""


class Index(msgspec.Struct, array_like=True):
    """Files and verdicts of one source folder at one moment."""

    folder: str
    written: int = 0
    """Nanoseconds since the epoch, before the first file was looked at."""
    files: dict[str, tuple[Stamp, str]] = {}
    """Stamp and digest by path."""
    folders: dict[str, tuple[str, list[str]]] = {}
    """The key of the ignore rules and the names that they left out (a folder's ends in `/`), by the folder's path."""
    manifest: str = ""
    """The digest of the snapshot that these files made."""
    format: int = _FORMAT

    @property
    def settled(self) -> int:
        """Nanoseconds since the epoch; a file with a stamp from this moment on must be read again.

        It was written about when the index was, and a later write within the same tick of the clock would have left
        the same stamp (git calls this a racy entry).
        """
        return self.written - _MARGIN_NS


def stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode


def load(path: Path, folder: str) -> Index:
    """The index at `path` if it is whole and of `folder`, else an empty one."""
    index = read(path)
    return index if index is not None and index.folder == folder else Index(folder)


def read(path: Path) -> Index | None:
    """The index at `path`; None where there is no whole one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if zlib.crc32(data[4:]).to_bytes(4, "little") != data[:4]:
        return None
    try:
        index = msgspec.msgpack.decode(memoryview(data)[4:], type=Index)
    except msgspec.DecodeError:
        return None
    return index if index.format == _FORMAT else None


def save(path: Path, index: Index) -> None:
    """Replace the index at `path`, whose folder is made when missing. Raises OSError.

    Not synchronised to the disk: an index that a power loss tears fails its checksum and is made anew.
    """
    data = msgspec.msgpack.encode(index)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            file.write(zlib.crc32(data).to_bytes(4, "little") + data)
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
