"""A scikit-learn model: a file of joblib or pickle, with `trust=True`."""

from __future__ import annotations

from .loading import trusted
from .types import Array, Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    trusted(options, "A scikit-learn model")
    try:
        import joblib
    except ImportError:
        import pickle

        with open(path, "rb") as file:
            model = pickle.load(file)
    else:
        model = joblib.load(path)
    method = options.get("method", "predict")
    call = getattr(model, method, None)
    if call is None:
        raise ValueError("a {} has no method {}".format(type(model).__name__, method))
    columns = getattr(model, "feature_names_in_", None)
    kind = Array() if columns is None else Frame([str(each) for each in columns])
    return lambda data: call(data), {"data": kind}
