"""v1's `MNIST`: the files of the digits, as their publisher packs them."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

from faena.client.data.dataset import Dataset, FileDataset
from faena.kernel import durable, settings
from faena.kernel.errors import UserErrorException
from faena_azureml.not_covered import refusal

_STEMS = {"train": "train", "test": "t10k"}
_COUNTS = {"train": 60_000, "test": 10_000}


class MNIST:
    """The handwritten digits: `MNIST.get_file_dataset()`."""

    @staticmethod
    def get_file_dataset(dataset_filter: str = "all", enable_telemetry: bool = True) -> FileDataset:
        """`train-images-idx3-ubyte.gz`, `train-labels-idx1-ubyte.gz`, `t10k-…`, on this machine.

        They are fetched and verified once for each user. `dataset_filter`: 'all', 'train' or 'test'.
        """
        if dataset_filter not in ("all", *_STEMS):
            raise UserErrorException(f"dataset_filter is {dataset_filter!r}. Use 'all', 'train' or 'test'.")
        parts = [part for part in _STEMS if dataset_filter in ("all", part)]
        return Dataset.File.from_files([os.fspath(path) for part in parts for path in _files(part)])

    get_tabular_dataset = staticmethod(refusal("azureml.opendatasets.MNIST.get_tabular_dataset"))


def _files(part: str) -> list[Path]:
    root = settings.home() / "datasets"
    folder = root / "mnist"
    paths = [folder / f"{_STEMS[part]}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    if all(path.exists() for path in paths):
        return paths
    mnist: Any = import_module("faena.data.mnist")  # by name: it loads numpy, where it has to fetch
    mnist.ensure_mnist(root, print)
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
