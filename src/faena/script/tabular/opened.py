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
_XZ = b"\xfd7zXZ\0"
_NO_TEXT = (
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "Unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it"),
    (b"\x1f\x9d", "packed by compress", "Unpack it"),
    (b"Rar!\x1a\x07", "a rar archive", "Unpack it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of Excel", "Save it as CSV"),
    (b"PAR1\x15", "a Parquet file", "Use from_parquet_files"),
    (b"ARROW1\0\0", "an Arrow file", "Write it as Parquet, and use from_parquet_files"),
    (
        b"SQLite format 3\0"[:10],
        "a database of SQLite",
        "Read it with pandas, and use register_pandas_dataframe",
    ),
)


@contextmanager
def opened(path: str, name: str) -> Iterator[IO[bytes]]:
    """Its bytes, unpacked. Raises UserErrorException for what is damaged, OSError."""
    with open(path, "rb", buffering=0) as file:
        begins = file.read(10)
        file.seek(0)
        for mark, what, instead in _NO_TEXT:
            if begins.startswith(mark):
                raise UserErrorException("{} is {}, not text. {}.".format(name, what, instead))
        unpacked = _unpacking(begins)
        if unpacked is None:
            yield file
            return
        try:
            with unpacked(path, name) as text:
                yield text
        except ImportError:
            raise UserErrorException(
                "{} is packed by a program whose module this Python lacks. Unpack it.".format(name)
            ) from None
        except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, RuntimeError) as error:
            _refuse(name, error)
        except OSError as error:
            if error.errno is not None:
                raise
            _refuse(name, error)


def is_packed(path: str) -> bool:
    with open(path, "rb", buffering=0) as file:
        begins = file.read(10)
    return _unpacking(begins) is not None or any(begins.startswith(mark) for mark, _, _ in _NO_TEXT)


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
    if begins.startswith(_XZ):
        return _unpacked_xz
    return _only_member if begins.startswith(_ZIP) else None


@contextmanager
def _unpacked_xz(path: str, name: str) -> Iterator[IO[bytes]]:
    import lzma  # which some builds of Python lack

    try:
        with lzma.open(path) as text:
            yield text
    except lzma.LZMAError as error:
        _refuse(name, error)


@contextmanager
def _only_member(path: str, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if any(each.filename == "xl/workbook.xml" for each in members):
            raise UserErrorException("{} is a workbook of Excel, not text. Save it as CSV.".format(name))
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
