"""A Keras model: a file that `model.save` wrote, .keras or HDF5, loaded by the Keras that is there."""

from __future__ import annotations

from .types import Array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    try:
        from tensorflow import keras
    except ImportError:
        import keras
    model = keras.models.load_model(path, compile=False)
    kinds = [Array(_type(each), len(each.shape)) for each in model.inputs]

    def run(data: Any) -> Any:
        return _plain(model(data, training=False))

    if len(kinds) == 1:
        return run, {"data": kinds[0]}
    names = [each.name.partition(":")[0] for each in model.inputs]

    def run_named(**data: Any) -> Any:
        return _plain(model([data[name] for name in names], training=False))

    return run_named, dict(zip(names, kinds))


def _type(tensor: Any) -> str:
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def _plain(found: Any) -> Any:
    import numpy

    if isinstance(found, dict):
        return {name: numpy.asarray(each) for name, each in found.items()}
    if isinstance(found, (list, tuple)):
        return [numpy.asarray(each) for each in found]
    return numpy.asarray(found)
