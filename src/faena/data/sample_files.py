"""Of which files sample data sets are, and where they lie below the folder of all. Standard library only, for nodes."""

from __future__ import annotations

ORIGINALS = "originals"
"""The folder of files as their publishers gave them, by data set."""
BOSTON = "boston_house_prices.csv"
_IDX = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]

SAMPLE_FILES = {
    "mnist": {name: f"pfnet/chainer/mnist/{name}" for name in ("train.npz", "test.npz")},
    "mnist-files": {name: f"{ORIGINALS}/mnist/{name}" for name in _IDX},
    "fashion-mnist": {name: f"{ORIGINALS}/fashion-mnist/{name}" for name in _IDX},
    "boston": {BOSTON: f"{ORIGINALS}/boston/{BOSTON}"},
}
"""By data set: the path of each file, as `faena.data` has it."""
