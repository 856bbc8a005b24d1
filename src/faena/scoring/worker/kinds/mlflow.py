"""A folder that MLflow wrote, loaded by the environment's MLflow, with `trust=True`."""

from __future__ import annotations

import os

from ..answers import BadInput
from .given import trusted
from .types import Array, Frame, FrameOrArray

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    if not os.path.isfile(os.path.join(path, "MLmodel")):
        raise ValueError("there is no file MLmodel in it, as MLflow writes one")
    trusted(options, "A model of MLflow")
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(path)
    schema = model.metadata.get_input_schema() if model.metadata else None

    def ask(given: Any, params: Any) -> Any:
        try:
            return model.predict(given, params=params) if params else model.predict(given)
        except mlflow.exceptions.MlflowException as error:
            if error.get_http_status_code() >= 500:
                raise
            raise BadInput(error.message) from error

    def run(data: Any, params: Any = None) -> Any:
        return ask(data, params)

    def run_named(params: Any = None, **data: Any) -> Any:
        return ask(data, params)

    told = getattr(model.metadata, "get_params_schema", lambda: None)()
    names = [each.name for each in told.params] if told is not None else []
    run._faena_param_names = run_named._faena_param_names = names  # type: ignore[attr-defined]  # for who calls it
    run._faena_params = run_named._faena_params = True  # type: ignore[attr-defined]  # for who calls it
    if schema is None:
        return run, {"data": FrameOrArray()}
    if schema.is_tensor_spec():
        arrays = {each.name: Array(each.type.name, len(each.shape)) for each in schema.inputs}
        return (
            (run_named, arrays) if schema.has_input_names() else (run, {"data": next(iter(arrays.values()))})
        )
    if not schema.has_input_names():
        return run, {"data": Frame()}
    types = {each.name: each.type.to_pandas() for each in schema.inputs if hasattr(each.type, "to_pandas")}
    numbers = {name: kind for name, kind in types.items() if getattr(kind, "kind", "O") in "fiub"}
    return run, {"data": Frame(schema.input_names(), numbers)}
