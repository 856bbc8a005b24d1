"""A folder of TensorFlow's, a SavedModel, asked by its signature `serving_default` or `options["signature"]`."""

from __future__ import annotations

from .types import Array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    import tensorflow

    model = tensorflow.saved_model.load(path)
    wanted = options.get("signature", "serving_default")
    if wanted not in model.signatures:
        raise ValueError(
            "it has no signature {}: there are {}".format(wanted, ", ".join(model.signatures) or "none")
        )
    ask = model.signatures[wanted]
    given = ask.structured_input_signature[1]
    inputs = {name: Array(each.dtype.as_numpy_dtype, each.shape.rank) for name, each in sorted(given.items())}

    def run(**data: Any) -> Any:
        tensors = {name: tensorflow.constant(each, given[name].dtype) for name, each in data.items()}
        found = {name: each.numpy() for name, each in ask(**tensors).items()}
        return next(iter(found.values())) if len(found) == 1 else found

    run._faena_model = model  # type: ignore[attr-defined]  # its variables live as long as it does
    return run, inputs
