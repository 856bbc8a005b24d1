"""MNIST's and Fashion-MNIST's gzipped IDX files, byte for byte as published, made anew from their contents.

Frameworks compare the MD5 of the gzipped file. GNU gzip's compression has not changed since these were made: with the
name and the time that their headers hold it gives the very same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from faena.data.mnist_sources import ROWS, Parts, SourceFailed
from faena.kernel import durable

_PATIENCE_SECONDS = 120.0
_NAMED = b"\x1f\x8b\x08\x08"
"""How a gzip file with a name begins."""
_BODY = 10
"""Where the compressed bytes begin in one without."""


class IdxFile(NamedTuple):
    """`sha256`: of the content. `md5`: of the gzipped file. `inner`, `seconds`: name and time in its header."""

    name: str
    part: str
    sha256: str
    md5: str
    inner: str
    seconds: int


def are_true(folder: Path, files: Sequence[IdxFile]) -> bool:
    """Whether all of them are there, as published or with the same content."""
    return all(_is_true(folder / file.name, file) for file in files)


def write(folder: Path, parts: Parts, files: Sequence[IdxFile], report: Callable[[str], None]) -> None:
    """Raises SourceFailed where the content is not the published one: nothing is written then."""
    contents = {file: _content(parts, file) for file in files}
    for file, content in contents.items():
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise SourceFailed(f"{file.name}: the content is not that of the published file")
    for file, content in contents.items():
        packed = _as_published(content, file)
        if packed is None:
            report(f"{file.name}: gzipped anew, its content is the published one and its MD5 is not")
            packed = gzip.compress(content, 1, mtime=0)
        durable.write_atomically(folder / file.name, packed)


def _content(parts: Parts, file: IdxFile) -> bytes:
    rows = ROWS[file.part]
    if "images" in file.name:
        return struct.pack(">4I", 0x803, rows, 28, 28) + parts[file.part].x.tobytes()
    return struct.pack(">2I", 0x801, rows) + parts[file.part].y.tobytes()


def _as_published(content: bytes, file: IdxFile) -> bytes | None:
    """None where there is no GNU gzip."""
    program = shutil.which("gzip")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "-n", "-6", "-c"],
            input=content,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
            env={"LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    header = _NAMED + struct.pack("<I", file.seconds) + b"\x00\x03" + file.inner.encode() + b"\x00"
    packed = header + done.stdout[_BODY:]
    return packed if _md5(packed) == file.md5 else None


def _is_true(path: Path, file: IdxFile) -> bool:
    try:
        packed = path.read_bytes()
        if _md5(packed) == file.md5:
            return True
        return hashlib.sha256(gzip.decompress(packed)).hexdigest() == file.sha256
    except (OSError, EOFError, zlib.error):
        return False


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
