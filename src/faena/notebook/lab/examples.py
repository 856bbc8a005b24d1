"""Faena's examples, for a folder of the user's: what is there already is never written over."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import faena

_LEFT_OUT = frozenset({"__pycache__", ".ipynb_checkpoints", "config.json"})
"""config.json names a workspace of its own."""


def source() -> Path | None:
    """Where they lie: in a checkout, or as they were installed."""
    places = (
        Path(faena.__file__).parents[2] / "examples",
        Path(sysconfig.get_path("data")) / "share/faena/examples",
    )
    return next((place for place in places if (place / "chainer-mnist").is_dir()), None)


def copy(folder: Path) -> int:
    """How many files were missing there and were copied. Raises OSError."""
    found = source()
    return (
        0 if found is None else sum(_copied(path, folder / path.relative_to(found)) for path in _files(found))
    )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT:
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _copied(path: Path, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as copy, path.open("rb") as original:
            shutil.copyfileobj(original, copy)
    except FileExistsError:
        return False
    return True
