"""Files of text as they lie on the disk: packed or not, and the same from their first byte to their last."""

from __future__ import annotations

import bz2
import gzip
import os
import zipfile
import zlib
from contextlib import contextmanager

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Callable, Iterator

_GZIP, _BZIP2, _ZIP = b"\x1f\x8b\x08", b"BZh", b"PK\x03\x04"
_BZIP2_BLOCK = b"1AY&SY"


@contextmanager
def opened(path: str, name: str) -> Iterator[IO[bytes]]:
    """Its bytes, unpacked. Raises UserErrorException for what is damaged, OSError."""
    with open(path, "rb", buffering=0) as file:
        unpacked = _unpacking(file.read(10))
        file.seek(0)
        if unpacked is None:
            yield file
            return
        try:
            with unpacked(path, name) as text:
                yield text
        except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, RuntimeError) as error:
            _refuse(name, error)
        except OSError as error:
            if error.errno is not None:
                raise
            _refuse(name, error)


def is_packed(path: str) -> bool:
    with open(path, "rb", buffering=0) as file:
        return _unpacking(file.read(10)) is not None


class Sameness:
    """Whether a file is what it was: told at its end, since a reader would see some of the old and some of the new."""

    def __init__(self, path: str, name: str) -> None:
        self._path = path
        self._name = name
        self._was = self._seen()

    def check(self) -> None:
        """Raises UserErrorException."""
        if self._seen() != self._was:
            raise UserErrorException(
                "{} changed while it was read. Read it again, or read a copy that nobody writes to.".format(
                    self._name
                )
            )

    def _seen(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _unpacking(begins: bytes) -> Callable[[str, str], Any] | None:
    if begins.startswith(_GZIP):
        return lambda path, name: gzip.open(path)
    if begins.startswith(_BZIP2) and begins[4:10] == _BZIP2_BLOCK:
        return lambda path, name: bz2.open(path)
    return _only_member if begins.startswith(_ZIP) else None


@contextmanager
def _only_member(path: str, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if len(members) != 1:
            raise UserErrorException(
                "{} is a zip archive of {} files. Unpack it, and give the files themselves.".format(
                    name, len(members)
                )
            )
        with archive.open(members[0]) as text:
            yield text


def _refuse(name: str, error: Exception) -> None:
    raise UserErrorException(
        "{} is packed and cannot be unpacked: {}. Bring a whole copy.".format(name, str(error)[:200])
    ) from None
