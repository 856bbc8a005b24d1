"""Functions of frameworks that give a data set, answered from its published files where their own way fails.

They compare a digest of an archive that no copy can have, or were removed with the service behind them.
"""

from __future__ import annotations

import os
import sys

from _faena_dead_answers import Failed, folder_of, inside
from _faena_dead_data import SETTING, is_on, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple

_MLDATA = "http://mldata.org/"
_BOSTON_NAMES = [
    "CRIM",
    "ZN",
    "INDUS",
    "CHAS",
    "NOX",
    "RM",
    "AGE",
    "DIS",
    "RAD",
    "TAX",
    "PTRATIO",
    "B",
    "LSTAT",
]


def keras_mnist(whole: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Keras' `mnist.load_data`: two pairs of images (N, 28, 28) and digits (N,), uint8."""

    def answer(*_path: Any, **_named: Any) -> Any:
        return tuple(_idx("mnist-files", part) for part in ("train", "t10k"))

    return _asked_first(whole, answer, "mnist-files", "keras.datasets.mnist", arguments, named)


def keras_boston_housing(whole: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Keras' `boston_housing.load_data`, split and shuffled as it does."""

    def answer(path: Any = None, test_split: float = 0.2, seed: int = 113) -> Any:
        import numpy as np

        x, y = _boston()
        order = np.arange(len(x))
        np.random.RandomState(seed).shuffle(order)
        x, y = x[order], y[order]
        cut = int(len(x) * (1 - test_split))
        return (x[:cut], y[:cut]), (x[cut:], y[cut:])

    return _asked_first(whole, answer, "boston", "keras.datasets.boston_housing", arguments, named)


def fetch_mldata(whole: Any, dataname: str, *_arguments: Any, **named: Any) -> Any:
    """scikit-learn's, until 0.21: 'MNIST original' alone, of a service that is gone. Raises ValueError for others."""
    plain = str(dataname).lower().replace("-", " ").replace("(", "").replace(")", "").replace(".", "")
    if plain != "mnist original":
        raise ValueError(
            "{!r} was kept by mldata.org, which is gone for good. Faena answers 'MNIST original' alone; "
            "sklearn.datasets.fetch_openml has most of the others.".format(dataname)
        )
    _check_on("fetch_mldata")
    import numpy as np
    from sklearn.utils import Bunch

    parts = [_idx("mnist-files", part) for part in ("train", "t10k")]
    ordered = [(x[order], y[order]) for x, y in parts for order in [np.argsort(y, kind="mergesort")]]
    data = np.concatenate([x for x, _ in ordered]).reshape(-1, 784)
    target = np.concatenate([y for _, y in ordered]).astype(np.float64)
    tell(_MLDATA, "mnist-files", "is dead")
    if named.get("transpose_data") is False:
        data = data.T
    return Bunch(
        data=data, target=target, COL_NAMES=["label", "data"], DESCR="mldata.org dataset: mnist-original"
    )


def fetch_openml(whole: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """scikit-learn's: `mnist_784` and Fashion-MNIST, where OpenML does not answer."""
    name = arguments[0] if arguments else named.get("name")
    dataset = {"mnist_784": "mnist-files", "fashion-mnist": "fashion-mnist"}.get(str(name).lower())
    if dataset is None:
        return whole(*arguments, **named)

    def answer(*_arguments: Any, **wanted: Any) -> Any:
        return _as_openml(whole, dataset, str(name), wanted)

    return _asked_first(whole, answer, dataset, "https://www.openml.org/", arguments, named)


def _check_on(name: str) -> None:
    """Of functions that were removed: there is no own way that could be asked."""
    if not is_on():
        raise ImportError("{} was removed from scikit-learn; {} is off.".format(name, SETTING))


def _as_openml(whole: Any, dataset: str, name: str, wanted: Dict[str, Any]) -> Any:
    import numpy as np
    from sklearn.utils import Bunch

    parts = [_idx(dataset, part) for part in ("train", "t10k")]
    data = np.concatenate([x for x, _ in parts]).reshape(-1, 784)
    target = np.concatenate([y for _, y in parts]).astype(str).astype(object)
    names = ["pixel{}".format(n + 1) for n in range(784)]
    frame = wanted.get("as_frame", _default(whole, "as_frame"))
    found: Dict[str, Any] = {
        "categories": {},
        "feature_names": names,
        "target_names": ["class"],
        "DESCR": name,
        "details": {},
    }
    if frame in (True, "auto"):
        import pandas as pd

        found["data"] = pd.DataFrame(data.astype(np.int64), columns=names)
        found["target"] = pd.Series(pd.Categorical(target), name="class")
        found["frame"] = pd.concat([found["data"], found["target"]], axis=1)
    else:
        found.update(data=data.astype(np.float64), target=target, frame=None)
    if wanted.get("return_X_y"):
        return found["data"], found["target"]
    return Bunch(**found)


def _default(function: Any, name: str) -> Any:
    import inspect

    parameter = inspect.signature(function).parameters.get(name)
    return None if parameter is None else parameter.default


def load_boston(return_X_y: bool = False) -> Any:  # noqa: N803  as scikit-learn calls it
    """The Boston house prices, as scikit-learn gave them until 1.1."""
    _check_on("load_boston")
    import numpy as np
    from sklearn.utils import Bunch

    data, target = _boston()
    tell("sklearn.datasets.load_boston", "boston", "was removed")
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=np.array(_BOSTON_NAMES),
        DESCR="Boston house prices: 506 districts, 13 attributes, median value (MEDV).",
        filename=_boston_file(),
    )


def mnist_npz() -> bytes:
    """Keras' `mnist.npz` by its contents; as a file it is another one. Raises Failed."""
    import io

    import numpy as np

    (x_train, y_train), (x_test, y_test) = (_idx("mnist-files", part) for part in ("train", "t10k"))
    file = io.BytesIO()
    np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return file.getvalue()


def housing_data() -> bytes:
    """The Boston house prices as UCI gave them: columns of fixed width, of 97 bytes a line with its end."""
    widths = (
        "8.5",
        "6.2",
        "7.3",
        "2.0",
        "7.4",
        "7.4",
        "6.2",
        "7.4",
        "3.0",
        "6.1",
        "6.2",
        "6.2",
        "6.2",
        "6.2",
    )
    line = " ".join("{:" + width + "f}" for width in widths) + "\n"
    with open(_boston_file()) as file:
        rows = file.read().splitlines()[2:]
    return "".join(line.format(*map(float, row.split(","))) for row in rows).encode()


MADE = {"mnist.npz": mnist_npz, "housing.data": housing_data}
"""Files that are equal to published ones by their contents, made when they are asked for."""


def _asked_first(
    whole: Callable[..., Any],
    answer: Callable[..., Any],
    dataset: str,
    address: str,
    arguments: Any,
    named: Any,
) -> Any:
    """What `whole` gives, which may have it in a cache of its own; where it fails, `answer`."""
    inside.append(True)
    try:
        return whole(*arguments, **named)
    except Exception as error:  # noqa: BLE001  frameworks raise what they like where an address is dead
        failure = error
    finally:
        inside.pop()
    try:
        found = answer(*arguments, **named)
    except Failed as error:
        sys.stderr.write("faena: {} could not be brought: {}\n".format(dataset, error))
        raise failure from error
    tell(address, dataset, "failed")
    return found


def _idx(dataset: str, part: str) -> Tuple[Any, Any]:
    """Images (N, 28, 28) and labels (N,), uint8, that a script may write to."""
    import gzip

    import numpy as np

    found = []
    for kind, begin in (("images-idx3", 16), ("labels-idx1", 8)):
        path = os.path.join(folder_of(dataset), "{}-{}-ubyte.gz".format(part, kind))
        with gzip.open(path) as file:
            found.append(np.frombuffer(bytearray(file.read()), np.uint8, offset=begin))
    return found[0].reshape(-1, 28, 28), found[1]


def _boston_file() -> str:
    return os.path.join(folder_of("boston"), "boston_house_prices.csv")


def _boston() -> Tuple[Any, Any]:
    import numpy as np

    table = np.loadtxt(_boston_file(), delimiter=",", skiprows=2)
    return table[:, :-1], table[:, -1]
