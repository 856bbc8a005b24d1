"""What uv says of a resolution in the form of PEP 751: exact files, and of which kind they are."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple


class Files(NamedTuple):
    requirements: str
    """In the form of a requirements file, with hashes."""
    from_source: dict[str, str]
    """Name -> version of packages that have no wheel for the interpreter and are built."""


def read(file: Path) -> Files:
    """What is locked. Raises OSError, and ValueError for a file that is none of uv's."""
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    blocks: list[str] = []
    from_source: dict[str, str] = {}
    for package in found.get("packages", []):
        name, version = str(package["name"]), str(package.get("version", ""))
        if "archive" in package:
            place = package["archive"]
            lines = [f"{name} @ {_address(place, file.parent)}", *_hashes(place)]
        else:
            wheels = package.get("wheels", [])
            files = [*([package["sdist"]] if "sdist" in package else []), *wheels]
            lines = [f"{name}=={version}", *sorted({each for one in files for each in _hashes(one)})]
            if not wheels:
                from_source[name] = version
        blocks.append(" \\\n    ".join(lines))
    return Files("".join(f"{block}\n" for block in blocks), from_source)


def _address(place: dict[str, Any], folder: Path) -> str:
    return str(place["url"]) if "url" in place else (folder / str(place["path"])).resolve().as_uri()


def _hashes(place: dict[str, Any]) -> list[str]:
    """The strongest of them."""
    hashes = place.get("hashes", {})
    best = next((name for name in ("sha512", "sha384", "sha256") if name in hashes), None)
    return [f"--hash={best}:{hashes[best]}"] if best else []
