"""Functions of frameworks whose data has died, answered from published files: a few images stand for them here."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from faena.node.command import pythonpath

PACKAGES = {
    "keras/__init__.py": "",
    "keras/datasets/__init__.py": "",
    "keras/datasets/mnist.py": """
from urllib.request import urlopen
def load_data(path="mnist.npz"):
    if path == "cached.npz":
        return "cached"
    return urlopen("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz")
""",
    "keras/datasets/boston_housing.py": "def load_data(test_split=0.2, seed=113):\n    raise Exception('gone')\n",
    "sklearn/__init__.py": "",
    "sklearn/utils.py": "class Bunch(dict):\n    __getattr__ = dict.__getitem__\n",
    "sklearn/datasets/__init__.py": """
from sklearn.datasets._openml import fetch_openml
def __getattr__(name):
    raise ImportError("load_boston has been removed")
""",
    "sklearn/datasets/_openml.py": """
def fetch_openml(name=None, version="active", return_X_y=False, as_frame="auto"):
    if name == "adult":
        return "adult"
    raise OSError("no network")
""",
}
FIRST = "0.00632,18,2.31,0,0.538,6.575,65.2,4.09,1,296,15.3,396.9,4.98,24"
START = "import _faena_start; _faena_start.install()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Packages whose own ways fail, and a host that has 6 and 3 images and the prices of two districts."""
    for name, text in PACKAGES.items():
        file = tmp_path / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    mnist = tmp_path / "datasets" / "originals" / "mnist"
    boston = mnist.with_name("boston")
    for each in (mnist, boston):
        each.mkdir(parents=True)
    for part, digits in {"train": [5, 0, 4, 1, 9, 0], "t10k": [7, 2, 1]}.items():
        pixels = b"".join(bytes([digit]) * 784 for digit in digits)
        images = struct.pack(">4I", 0x803, len(digits), 28, 28) + pixels
        labels = struct.pack(">2I", 0x801, len(digits)) + bytes(digits)
        (mnist / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (mnist / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    row = ",".join(str(n) for n in range(14))
    (boston / "boston_house_prices.csv").write_text(f"2,13\nnames\n{row}\n{FIRST}\n")
    host = tmp_path / "host"
    host.write_text(f"#!/bin/sh\necho {tmp_path / 'datasets'}\n")
    host.chmod(0o755)
    return tmp_path


def run(folder: Path, source: str, **variables: str) -> tuple[str, str]:
    script = folder / "train.py"
    script.write_text(START + source)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{pythonpath(sys.executable)}:{folder / 'site'}",
        "FAENA_RUN_ID": "x",
        "FAENA_PYTHON": str(folder / "host"),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.long
def test_functions_whose_own_way_fails_are_answered(folder: Path) -> None:
    out, err = run(
        folder,
        """
import numpy as np
from keras.datasets import boston_housing, mnist
(images, digits), (others, labels) = mnist.load_data()
images[0] = 0  # a script may write to them
print(images.shape, digits.tolist(), others[1, 0, 0], labels.tolist(), mnist.load_data("cached.npz"))
print([x.shape for pair in boston_housing.load_data(test_split=0.5) for x in pair])
from sklearn.datasets import fetch_mldata, fetch_openml, load_boston
found = fetch_mldata("MNIST original")
print(found.data.shape, found.target.tolist(), found.target.dtype)
found = fetch_openml("mnist_784", as_frame=False)
print(found.data.shape, found.data.dtype, found.target.tolist(), fetch_openml("adult"))
frame = fetch_openml("mnist_784")
print(frame.data.shape, frame.target.dtype.name, frame.frame.columns[-1])
print(load_boston().target.tolist(), [x.shape for x in load_boston(return_X_y=True)])
try:
    fetch_mldata("iris")
except ValueError as error:
    print(error)
from urllib.request import urlopen
npz = urlopen("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz")
import io
with np.load(io.BytesIO(npz.read())) as arrays:
    print(sorted(arrays.files), arrays["x_test"].shape)
address = "https://archive.ics.uci.edu/ml/machine-learning-databases/housing/housing.data"
print(urlopen(address).read().decode().splitlines()[1])
""",
    )
    assert out.splitlines() == [
        "(6, 28, 28) [5, 0, 4, 1, 9, 0] 2 [7, 2, 1] cached",
        "[(1, 13), (1,), (1, 13), (1,)]",
        "(9, 784) [0.0, 0.0, 1.0, 4.0, 5.0, 9.0, 1.0, 2.0, 7.0] float64",
        "(9, 784) float64 ['5', '0', '4', '1', '9', '0', '7', '2', '1'] adult",
        "(9, 784) category class",
        "[13.0, 24.0] [(2, 13), (2,)]",
        "'iris' was kept by mldata.org, which is gone for good. Faena answers 'MNIST original' alone; "
        "sklearn.datasets.fetch_openml has most of the others.",
        "['x_test', 'x_train', 'y_test', 'y_train'] (3, 28, 28)",
        " 0.00632  18.00   2.310  0  0.5380  6.5750  65.20  4.0900   1  296.0  15.30 396.90   4.98  24.00",
    ]
    told = [line.partition("; ")[0] for line in err.splitlines() if "verified copy" in line]
    assert told == [
        "faena: keras.datasets.mnist failed",
        "faena: keras.datasets.boston_housing failed",
        "faena: http://mldata.org/ is dead",
        "faena: https://www.openml.org/ failed",
        "faena: sklearn.datasets.load_boston was removed",
        "faena: https://storage.googleapis.com/tensorflow/tf-keras-datasets/ did not answer",
        "faena: https://archive.ics.uci.edu/ml/machine-learning-databases/housing/ did not answer",
    ]


def test_turned_off_they_fail_as_before(folder: Path) -> None:
    out, _ = run(
        folder,
        """
from keras.datasets import boston_housing
try:
    boston_housing.load_data()
except Exception as error:
    print(error)
from sklearn.datasets import load_boston
try:
    load_boston()
except ImportError as error:
    print(error)
""",
        FAENA_DEAD_DATA="off",
    )
    assert out.splitlines() == ["gone", "load_boston was removed from scikit-learn; FAENA_DEAD_DATA is off."]
