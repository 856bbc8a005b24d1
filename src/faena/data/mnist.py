"""The MNIST digits as Chainer's `get_mnist` caches them, so that scripts find them without the network.

`chainer.datasets.get_mnist` looks for `$CHAINER_DATASET_ROOT/pfnet/chainer/mnist/{train,test}.npz` before it
asks a server that has refused everyone since 2024. With these two files there it works unchanged and offline.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from faena.data.fetching import locked
from faena.data.mnist_sources import PIXELS, ROWS, SOURCES, Part, Parts, Source, SourceFailed
from faena.kernel.errors import ServiceException

FOLDER = Path("pfnet", "chainer", "mnist")

# SHA-256 of the raw bytes of the arrays, computed from the npm package's IDX files and, with the same result,
# from the PyPI wheel's CSV files.
_X_DIGESTS = {
    "train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
}
_Y_DIGESTS = {
    "train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
_CLASS_COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}

_SEAL = "verified.json"
_PARTIAL = ".part"


def ensure_mnist(
    root: Path, report: Callable[[str], None], *, sources: Mapping[str, Source] = SOURCES
) -> Path:
    """Make `<root>/pfnet/chainer/mnist/{train,test}.npz` hold the true MNIST digits; return `root`.

    `root` is what `CHAINER_DATASET_ROOT` must point to; `faena.kernel.settings.home() / "datasets"` is the
    user's own. Each file holds `x`, uint8 (N, 784), and `y`, uint8 (N,), N = 60,000 and 10,000, 55 MB in all.

    Files that were verified and have not been touched since cost two `stat` calls: no network, no subprocess,
    no lock. Anything else in their place is read and compared, and made anew if it is not the true data;
    `report` then gets one line per step, in the calling thread.
    Of several processes that come at the same time one downloads and the others wait.

    Raises `ServiceException`, with the cause of each source, when none can give the data or the files cannot
    be written.
    """
    folder = root / FOLDER
    if _sealed(folder):
        return root
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, report, "MNIST"):
            if not _sealed(folder):
                if not all(_is_true_file(folder, part) for part in ROWS):
                    _make(folder, report, sources)
                _seal(folder)
    except OSError as error:
        raise ServiceException(
            f"The MNIST files cannot be written to {folder}: {error.strerror or error}. "
            "Make room there, or set FAENA_HOME to a folder that you can write to."
        ) from error
    return root


def _make(folder: Path, report: Callable[[str], None], sources: Mapping[str, Source]) -> None:
    for stray in folder.glob(f"*{_PARTIAL}"):
        stray.unlink()
    for part, found in _fetch(folder, report, sources).items():
        _write(folder, part, found)


def _fetch(folder: Path, report: Callable[[str], None], sources: Mapping[str, Source]) -> Parts:
    causes = []
    for name, source in sources.items():
        report(f"MNIST: fetching from the {name}")
        try:
            with tempfile.TemporaryDirectory(prefix="faena-mnist-") as scratch:
                parts = source(Path(scratch))
            for part in ROWS:
                _check(part, parts[part])
        except SourceFailed as failure:
            causes.append(f"  {name}: {failure}")
            report(f"MNIST: the {name} did not give it: {failure}")
        else:
            report(f"MNIST: verified, 60,000 and 10,000 digits from the {name}")
            return parts
    raise ServiceException(
        "The MNIST data could not be fetched:\n" + "\n".join(causes) + "\n"
        f"Connect this machine to one of them and try again, or copy train.npz and test.npz (arrays x, uint8 "
        f"(N, 784), and y, uint8 (N,)) from a machine that has them into {folder}"
    )


def _check(name: str, part: Part) -> None:
    """Raise `SourceFailed` unless these are the true arrays, byte for byte."""
    import numpy as np

    rows = ROWS[name]
    if part.x.shape != (rows, PIXELS) or part.y.shape != (rows,):
        raise SourceFailed(f"{name}: arrays of shape {part.x.shape} and {part.y.shape}")
    if part.x.dtype != np.uint8 or part.y.dtype != np.uint8:
        raise SourceFailed(f"{name}: arrays of type {part.x.dtype} and {part.y.dtype} instead of uint8")
    counts = np.bincount(part.y, minlength=10).tolist()
    if counts != _CLASS_COUNTS[name]:
        raise SourceFailed(f"{name}: {counts} examples of the ten digits instead of {_CLASS_COUNTS[name]}")
    x, y = (hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() for array in part)
    if (x, y) != (_X_DIGESTS[name], _Y_DIGESTS[name]):
        raise SourceFailed(f"{name}: the pixels or labels are not those of the true data set")


def _is_true_file(folder: Path, name: str) -> bool:
    """Whether `<name>.npz`, made by us, by Chainer or by hand, holds the true arrays."""
    import numpy as np

    path = folder / f"{name}.npz"
    try:
        # Opened here, because np.load leaves a file open that is no archive.
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                return False
            _check(name, Part(arrays["x"], arrays["y"]))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, SourceFailed):
        return False
    return True


def _write(folder: Path, name: str, part: Part) -> None:
    import numpy as np

    with tempfile.NamedTemporaryFile(dir=folder, suffix=_PARTIAL, delete=False) as file:
        try:
            # Not compressed: every script that starts would pay 160 ms for 43 MB saved once per user.
            np.savez(file, x=part.x, y=part.y)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
            Path(file.name).replace(folder / f"{name}.npz")
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _stamps(folder: Path) -> dict[str, list[int]]:
    """What changes when a file is written, replaced or moved, by file name."""
    stamps = {}
    for part in ROWS:
        found = (folder / f"{part}.npz").stat()
        stamps[part] = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
    return stamps


def _sealed(folder: Path) -> bool:
    """Whether the files are the very ones that were verified. Reads none of their bytes."""
    try:
        return bool(json.loads((folder / _SEAL).read_bytes()) == _stamps(folder))
    except (OSError, ValueError):
        return False


def _seal(folder: Path) -> None:
    partial = folder / f"{_SEAL}{_PARTIAL}"
    partial.write_text(json.dumps(_stamps(folder)))
    partial.replace(folder / _SEAL)
