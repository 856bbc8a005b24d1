"""Files of data sets whose addresses have died: they are the published ones."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from faena.data.mnist import FOLDER
from faena.data.mnist_sources import Part, Parts, SourceFailed
from faena.data.originals import idx
from faena.data.originals.published import FASHION_MNIST, MNIST
from faena.data.originals.service import ensure_boston, ensure_fashion_mnist
from faena.data.sample_files import SAMPLE_FILES
from faena.kernel.errors import ServiceException

TEST_FILES = MNIST[2:]
"""Those of the 10,000: of the others gzip takes three seconds."""


def silent(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def parts(mnist_root: Path) -> Parts:
    with np.load(mnist_root / FOLDER / "test.npz", allow_pickle=False) as arrays:
        return {"test": Part(arrays["x"], arrays["y"])}


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.mark.long
def test_mnists_have_the_digests_that_frameworks_compare(parts: Parts, tmp_path: Path) -> None:
    lines: list[str] = []
    idx.write(tmp_path, parts, TEST_FILES, lines.append)
    assert {file.name: md5(tmp_path / file.name) for file in TEST_FILES} == {
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    assert lines == []
    assert idx.are_true(tmp_path, TEST_FILES)
    (tmp_path / TEST_FILES[1].name).write_bytes(gzip.compress(b"others"))
    assert not idx.are_true(tmp_path, TEST_FILES)


@pytest.mark.long
def test_without_gnu_gzip_they_have_the_content(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines: list[str] = []
    idx.write(tmp_path, parts, TEST_FILES[1:], lines.append)
    name = "t10k-labels-idx1-ubyte.gz"
    assert lines == [f"{name}: gzipped anew, its content is the published one and its MD5 is not"]
    assert gzip.decompress((tmp_path / name).read_bytes())[8:] == parts["test"].y.tobytes()
    assert idx.are_true(tmp_path, TEST_FILES[1:])


def test_other_digits_are_refused(parts: Parts, tmp_path: Path) -> None:
    other = {"test": Part(parts["test"].x, parts["test"].y[::-1])}
    with pytest.raises(SourceFailed, match="not that of the published file"):
        idx.write(tmp_path, other, TEST_FILES, silent)
    assert list(tmp_path.iterdir()) == []


def test_the_boston_prices_are_scikit_learns_file(tmp_path: Path) -> None:
    root = ensure_boston(tmp_path, silent)
    path = root / SAMPLE_FILES["boston"]["boston_house_prices.csv"]
    lines = path.read_text().splitlines()
    assert lines[0] == "506,13" + "," * 12
    assert lines[2] == "0.00632,18,2.31,0,0.538,6.575,65.2,4.09,1,296,15.3,396.9,4.98,24"
    path.write_text("0")
    ensure_boston(tmp_path, silent)
    assert path.read_text().splitlines() == lines


def test_a_source_that_fails_is_told(tmp_path: Path) -> None:
    def broken(_scratch: Path) -> Parts:
        raise SourceFailed("no way out")

    with pytest.raises(ServiceException, match=r"Fashion-MNIST could not be fetched:\n  first: no way out"):
        ensure_fashion_mnist(tmp_path, silent, sources={"first": broken})


def test_a_kernel_asks_a_process_of_its_host() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "faena.data.originals", "cifar"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "faena: name one of mnist-files, fashion-mnist, boston\n"


@pytest.mark.campaign
def test_fashion_mnist_has_the_digests_that_frameworks_compare(tmp_path: Path) -> None:
    """From Debian's package: 31 MB, eight seconds of CPU."""
    root = ensure_fashion_mnist(tmp_path, silent)
    paths = SAMPLE_FILES["fashion-mnist"]
    assert {file.name: md5(root / paths[file.name]) for file in FASHION_MNIST} == {
        file.name: file.md5 for file in FASHION_MNIST
    }
