"""MNIST's IDX files as their publisher gives them, made from the arrays that Faena keeps verified for each user."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import tempfile
import zipfile

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

ARRAYS = os.path.join("pfnet", "chainer", "mnist")
"""Where the arrays lie below the folder of data sets."""

_STEMS = {"train": "train", "test": "t10k"}
_COUNTS = {"train": 60000, "test": 10000}


def idx_files(root: str, part: str, ensure: Callable[[], None]) -> list[str]:
    """Paths below `root`, images before labels. `part`: 'train', 'test' or 'all'. `ensure` brings the arrays there."""
    return [path for each in _parts(part) for path in _files(root, each, ensure)]


def published(part: str, folder: Callable[[], str]) -> list[str]:
    """The same of a folder that holds the published files, which is asked for once `part` is known to be one."""
    parts = _parts(part)
    return [path for place in [folder()] for each in parts for path in _paths(place, each)]


def _parts(part: str) -> list[str]:
    if part not in ("all", "train", "test"):
        raise UserErrorException(
            "MNIST has no part {!r}. Use 'all', 'train' or 'test'.".format(str(part)[:80])
        )
    return [each for each in _STEMS if part in ("all", each)]


def _paths(folder: str, part: str) -> list[str]:
    kinds = ("images-idx3", "labels-idx1")
    return [os.path.join(folder, "{}-{}-ubyte.gz".format(_STEMS[part], kind)) for kind in kinds]


def _files(root: str, part: str, ensure: Callable[[], None]) -> list[str]:
    folder = os.path.join(root, "mnist")
    paths = _paths(folder, part)
    if all(map(os.path.exists, paths)):
        return paths
    ensure()
    os.makedirs(folder, exist_ok=True)
    count = _COUNTS[part]
    headers = (struct.pack(">4I", 2051, count, 28, 28), struct.pack(">2I", 2049, count))
    with zipfile.ZipFile(os.path.join(root, ARRAYS, part + ".npz")) as arrays:
        for path, header, name in zip(paths, headers, ("x", "y")):  # noqa: B905  Python 3.8 has no strict
            _write(path, header + _bytes_of(arrays, name))
    return paths


def _write(path: str, data: bytes) -> None:
    """Whole or not at all, whoever does it at the same time."""
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(descriptor, "wb") as file, gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:
        packed.write(data)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def _bytes_of(arrays: zipfile.ZipFile, name: str) -> bytes:
    """What a `.npy` of uint8 holds behind its header."""
    data = arrays.read(name + ".npy")
    return data[10 + int.from_bytes(data[8:10], "little") :]


class Files:
    """What `MNIST.get_file_dataset` gives where Faena's client cannot be loaded: files to download or to read."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths

    def to_path(self) -> list[str]:
        return ["/" + os.path.basename(path) for path in self._paths]

    def download(
        self, target_path: Optional[str] = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> list[str]:
        """Copies below a folder, by default a new temporary one; their paths."""
        folder = target_path or tempfile.mkdtemp(prefix="faena-dataset-")
        os.makedirs(folder, exist_ok=True)
        copies = [os.path.join(os.path.abspath(folder), os.path.basename(path)) for path in self._paths]
        there = [path for path in copies if os.path.lexists(path)]
        if there and not overwrite:
            raise UserErrorException("{} exists already. Use overwrite=True to replace it.".format(there[0]))
        for path, copy in zip(self._paths, copies):  # noqa: B905  Python 3.8 has no strict
            shutil.copyfile(path, copy)
        return copies
