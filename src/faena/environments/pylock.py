"""What uv says of a resolution in the form of PEP 751: exact files, and of which kind they are."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from faena.environments import index_pages
from faena.environments.index_pages import File


class Files(NamedTuple):
    requirements: str
    """In the form of a requirements file, with hashes."""
    from_source: dict[str, str]
    """Name -> version of packages that have no wheel for the interpreter and are built."""
    listed: dict[str, list[File]]
    """Name -> files that suit the interpreter, with the days that the index gives."""


def read(file: Path, *, sources: bool) -> Files:
    """What is locked. Raises OSError, and ValueError for a file that is none of uv's.

    `sources`: hashes of source distributions beside wheels, too. They are never taken where there is a wheel, and uv
    leaves them out for a package that is not to be built.
    """
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    blocks: list[str] = []
    from_source: dict[str, str] = {}
    listed: dict[str, list[File]] = {}
    for package in found.get("packages", []):
        name, version = str(package["name"]), str(package.get("version", ""))
        if "archive" in package:
            place = package["archive"]
            lines = [f"{name} @ {_address(place, file.parent)}", *_hashes(place)]
        else:
            wheels = package.get("wheels", [])
            files = [*([package["sdist"]] if "sdist" in package and (sources or not wheels) else []), *wheels]
            listed[name] = [each for one in files if (each := _file(one)) is not None]
            lines = [f"{name}=={version}", *sorted({each for one in files for each in _hashes(one)})]
            if not wheels:
                from_source[name] = version
        blocks.append(" \\\n    ".join(lines))
    return Files("".join(f"{block}\n" for block in blocks), from_source, listed)


def _file(place: dict[str, Any]) -> File | None:
    where = str(place.get("name") or place.get("url") or place.get("path", ""))
    came = place.get("upload-time")
    return index_pages.file_of(
        unquote(where.rpartition("/")[2]), came.isoformat() if isinstance(came, dt.datetime) else ""
    )


def _address(place: dict[str, Any], folder: Path) -> str:
    return str(place["url"]) if "url" in place else (folder / str(place["path"])).resolve().as_uri()


def _hashes(place: dict[str, Any]) -> list[str]:
    """The strongest of them."""
    hashes = place.get("hashes", {})
    best = next((name for name in ("sha512", "sha384", "sha256") if name in hashes), None)
    return [f"--hash={best}:{hashes[best]}"] if best else []
