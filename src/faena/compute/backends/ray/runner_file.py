"""The runner as one file: Faena's own sources, as far as a node needs them, in a zip that Python runs."""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

_SOURCES = Path(__file__).resolve().parents[3]
_ROOMS = ("kernel", "script", "attempts", "node", "environments", "data")
_BUILDER = ("uv", "msgspec", "packaging")
_MAIN = Path(__file__).with_name("runner_main.py")
_DATED = (2020, 1, 1, 0, 0, 0)
"""The same sources are the same file."""


class RunnerFile(Struct, frozen=True):
    data: bytes
    digest: str
    """SHA-256, in hex."""


@lru_cache(1)
def runner_file() -> RunnerFile:
    """Made at first use. Blocks for a moment."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in [
            _SOURCES / "__init__.py",
            *(each for room in _ROOMS for each in _files(_SOURCES / room)),
        ]:
            _add(archive, f"faena/{path.relative_to(_SOURCES).as_posix()}", path.read_bytes())
        _add(archive, "__main__.py", _MAIN.read_bytes())
        _add(archive, "faena/node/joined/builder.txt", builder_requirements().encode())
    data = made.getvalue()
    return RunnerFile(data, hashlib.sha256(data).hexdigest())


def builder_requirements() -> str:
    """What the server builds environments with, for nodes that lack it."""
    return "".join(f"{name}=={version(name)}\n" for name in _BUILDER)


def _files(room: Path) -> list[Path]:
    return [
        path
        for path in sorted(room.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    ]


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    told = zipfile.ZipInfo(name, _DATED)
    told.compress_type = zipfile.ZIP_DEFLATED
    told.external_attr = 0o644 << 16
    archive.writestr(told, data)
