"""Data sets that everybody begins with, as the files that their publishers give."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

from faena.kernel import durable, settings
from faena.kernel.errors import UserErrorException
from faena.script.messages import tell

_STEMS = {"train": "train", "test": "t10k"}
_COUNTS = {"train": 60_000, "test": 10_000}


def mnist_files(part: str) -> list[str]:
    """Paths of MNIST's IDX files, images before labels; fetched and verified once for each user.

    `part`: 'train', 'test' or 'all'. Raises UserErrorException, ServiceException.
    """
    if part not in ("all", *_STEMS):
        raise UserErrorException(f"MNIST has no part {str(part)[:80]!r}. Use 'all', 'train' or 'test'.")
    return [os.fspath(path) for each in _STEMS if part in ("all", each) for path in _files(each)]


def _files(part: str) -> list[Path]:
    root = settings.home() / "datasets"
    folder = root / "mnist"
    paths = [folder / f"{_STEMS[part]}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    if all(path.exists() for path in paths):
        return paths
    mnist: Any = import_module("faena.data.mnist")  # by name: it loads numpy, where it has to fetch
    mnist.ensure_mnist(root, tell)
    folder.mkdir(parents=True, exist_ok=True)
    count = _COUNTS[part]
    headers = (struct.pack(">4I", 2051, count, 28, 28), struct.pack(">2I", 2049, count))
    with zipfile.ZipFile(root / mnist.FOLDER / f"{part}.npz") as arrays:
        for path, header, name in zip(paths, headers, ("x", "y"), strict=True):
            durable.write_whole(path, gzip.compress(header + _bytes_of(arrays, name), 1, mtime=0))
    return paths


def _bytes_of(arrays: zipfile.ZipFile, name: str) -> bytes:
    """What a `.npy` of uint8 holds behind its header."""
    data = arrays.read(f"{name}.npy")
    return data[10 + int.from_bytes(data[8:10], "little") :]
