"""A scikit-learn model: a file of joblib or pickle, with `trust=True`."""

from __future__ import annotations

from .given import trusted
from .types import Array, Frame

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
"""What a request may ask for by `method`, as far as the model has it."""

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
    default = options.get("method", "predict")
    if getattr(model, default, None) is None:
        raise ValueError("a {} has no method {}".format(type(model).__name__, default))

    def run(data: Any, method: str = default) -> Any:
        return getattr(model, method)(data)

    run._faena_methods = [each for each in METHODS if callable(getattr(model, each, None))]  # type: ignore[attr-defined]  # for who calls it
    columns = getattr(model, "feature_names_in_", None)
    kind = Array() if columns is None else Frame([str(each) for each in columns])
    return run, {"data": kind}
