"""Loads a model of the registry by `mlflow.pyfunc`: this package is sent with it, and runs in the client's process."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def _load_pyfunc(path: str, model_config: dict[str, Any] | None = None) -> _Loaded:
    """Raises MlflowException, which says why, where it cannot be loaded."""
    from importlib import import_module

    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    told = Model.load(os.path.join(path, "MLmodel")).flavors["faena"]
    if told.get("cannot_be_loaded"):
        raise MlflowException("This model cannot be loaded by MLflow. " + told["cannot_be_loaded"])
    load = import_module("." + told["kind"], __package__).load
    run, inputs = load(
        os.path.join(path, told["data"]), dict(told.get("options") or {}, **(model_config or {}))
    )
    return _Loaded(run, inputs)


class _Loaded:
    def __init__(self, run: Callable[..., Any], inputs: dict[str, Any]) -> None:
        self._run = run
        self._inputs = inputs

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """`data`: a data frame, an array, a list, or a dictionary by inputs."""
        if len(self._inputs) != 1:
            if not hasattr(data, "items"):
                raise ValueError("give a dictionary of " + ", ".join(self._inputs))
            return self._run(
                **{name: self._inputs[name].deserialize_input(each) for name, each in data.items()}
            )
        name, kind = next(iter(self._inputs.items()))
        if isinstance(data, dict) and list(data) == [name]:
            data = data[name]
        if getattr(data, "columns", None) is not None and kind._faena_kind == "numpy":
            data = data.to_numpy()
        return self._run(**{name: kind.deserialize_input(data)}, **(params or {}))
