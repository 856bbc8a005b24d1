"""A folder that MLflow wrote, loaded by the environment's MLflow, with `trust=True`."""

from __future__ import annotations

import os

from .given import trusted
from .types import Frame

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
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return lambda data: model.predict(data), {"data": Frame()}
    types = {each.name: each.type.to_pandas() for each in schema.inputs if hasattr(each.type, "to_pandas")}
    numbers = {name: kind for name, kind in types.items() if getattr(kind, "kind", "O") in "fiub"}
    return lambda data: model.predict(data), {"data": Frame(schema.input_names(), numbers)}
