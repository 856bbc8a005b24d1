"""What `.npy` and `.npz` files hold, by the headers of their arrays: nothing is unpickled, no number is read."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from typing import IO

from msgspec import Struct

from faena.server.pages.previews.tables import cut
from faena.server.pages.words import number

MOST = 200
"""Arrays of a file that are named."""
_LONGEST_HEADER = 4096
_MOST_READ = 8 << 20
"""Bytes of a file, its list of members included, beyond which it is left alone."""
_HEADER = re.compile(
    r"\{'descr': (?P<type>'[^'\\]{1,40}'|\[[^\\]{0,2000}\]), 'fortran_order': (?P<order>True|False), "
    r"'shape': \((?P<shape>[0-9, L]{0,400})\), ?\}\s*"
)
"""As numpy writes it: the text is matched, and no Python is made of it."""
_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool", "S": "bytes", "U": "text"}


class Unreadable(Exception):
    """Why a file is not summarised."""


class Array(Struct, frozen=True):
    name: str
    type: str
    shape: str
    values: str
    """How many."""


class Arrays(Struct, frozen=True):
    found: list[Array]
    more: int


def of_npy(file: IO[bytes]) -> Arrays:
    """Raises Unreadable."""
    return Arrays([_array("", file)], 0)


def of_npz(file: IO[bytes]) -> Arrays:
    """Raises Unreadable."""
    try:
        with zipfile.ZipFile(_Bounded(file)) as archive:
            members = archive.infolist()
            return Arrays([_member(archive, each) for each in members[:MOST]], max(0, len(members) - MOST))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, OSError, ValueError) as error:
        raise Unreadable(f"This is no .npz file that can be read: {cut(str(error))}.") from error
    except (zlib.error, EOFError, struct.error, RuntimeError, OverflowError) as error:
        raise Unreadable("This .npz file is damaged.") from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    name = cut(info.filename.removesuffix(".npy"))
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        return Array(name, "compressed in another way", "", "")
    with archive.open(info) as member:
        try:
            return _array(name, member)
        except Unreadable:
            return Array(name, "no array", "", "")


def _array(name: str, file: IO[bytes]) -> Array:
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY" or len(magic) < 8 or magic[6] not in (1, 2, 3):
        raise Unreadable("This is no .npy file: it does not begin as one.")
    kind = "<H" if magic[6] == 1 else "<I"
    [length] = struct.unpack(kind, _exactly(file, struct.calcsize(kind)))
    if length > _LONGEST_HEADER:
        raise Unreadable(f"The header of this array has {length:,} bytes, too many to be shown.")
    text = _exactly(file, length).decode("utf-8" if magic[6] == 3 else "latin-1", "replace")
    found = _HEADER.fullmatch(text)
    if found is None:
        raise Unreadable("The header of this array is not as numpy writes it.")
    sizes = [each.strip().rstrip("L") for each in found["shape"].split(",") if each.strip()]
    if not all(each.isdigit() and len(each) <= 18 for each in sizes):
        raise Unreadable("The shape of this array is not as numpy writes it.")
    count = 1
    for each in sizes:
        count *= int(each)
    shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
    return Array(name, _type(found["type"]), shape, number(count) if count < 1e15 else f"{count:.3g}")


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise Unreadable("This file ends within the header of its array.")
    return data


def _type(described: str) -> str:
    """`'<f4'` as float32, and so on; what has fields as it is written."""
    code = described.strip("'")
    if described.startswith("[") or len(code) < 2:
        return cut(described)
    kind, width = code.lstrip("<>|="), code.lstrip("<>|=")[1:]
    if kind == "O" or kind.startswith("O"):
        return "objects, which only pickle could read"
    if kind[:1] in "fiuc" and width.isdigit() and len(width) < 3:
        order = ", big-endian" if code.startswith(">") and width != "1" else ""
        return f"{_KINDS[kind[0]]}{int(width) * 8}{order}"
    if kind[:1] in "SU" and width.isdigit():
        return f"{_KINDS[kind[0]]} of {width} characters"
    return "bool" if kind == "b1" else cut(code)


class _Bounded:
    """A file of which only so much is read: what lists a million members ends as an error, not in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MOST_READ
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            here = self.tell()
            size = self.seek(0, 2) - here
            self.seek(here)
        if size > self._left:
            raise OSError("it has too many members")
        data = self._file.read(size)
        self._left -= len(data)
        return data
