"""Files below folders that others write in meanwhile: some go while they are looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from faena.testing.waiting import until


def below(*folders: Path) -> Iterator[Path]:
    """Each file there. `Path.rglob` raises where a folder goes before it is listed, as attempts' folders do."""
    for folder in folders:
        for at, _, names in os.walk(folder):
            yield from (Path(at, name) for name in names)


def holding(words: str, *folders: Path) -> list[Path]:
    """The files there that hold these words."""
    return [path for path in below(*folders) if words.encode() in _content(path)]


def remove(folder: Path) -> None:
    """Remove it, again where somebody wrote into it meanwhile."""

    def removed() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    until(removed, f"{folder} is gone")


def _content(path: Path) -> bytes:
    """Empty where it has gone meanwhile, or is no regular file."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""
