"""Of which files sample data sets are, and where they lie below the folder of all. Standard library only, for nodes."""

from __future__ import annotations

SAMPLE_FILES = {
    "mnist": {name: f"pfnet/chainer/mnist/{name}" for name in ("train.npz", "test.npz")},
}
"""By data set: the path of each file, as `faena.data.mnist` has it."""
