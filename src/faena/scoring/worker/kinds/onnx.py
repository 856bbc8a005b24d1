"""An ONNX model, run by ONNX Runtime."""

from __future__ import annotations

import os

from .types import Array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_TYPES = {
    "float": "float32", "float16": "float16", "double": "float64", "int8": "int8", "int16": "int16", "int32": "int32",
    "int64": "int64", "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "bool": "bool",
    "string": "object",
}  # fmt: skip


_DATATYPES = {"float": "FP32", "float16": "FP16", "double": "FP64", "string": "BYTES"}
"""In the Open Inference Protocol; the others are called alike."""


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    settings.inter_op_num_threads = 1
    providers = options.get("providers", ["CPUExecutionProvider"])
    session = onnxruntime.InferenceSession(path, settings, providers=providers)
    outputs = [each.name for each in session.get_outputs()]
    inputs = {
        each.name: Array(_TYPES.get(_element(each)), len(each.shape) or None, _datatype(each), _shape(each))
        for each in session.get_inputs()
    }

    def run(**data: Any) -> Any:
        found = session.run(outputs, data)
        return found[0] if len(found) == 1 else dict(zip(outputs, found))

    described = [
        {"name": each.name, "datatype": _datatype(each), "shape": _shape(each)}
        for each in session.get_outputs()
    ]
    if all(each["datatype"] for each in described):
        run._faena_outputs = described  # type: ignore[attr-defined]  # for the endpoint's description
    return run, inputs


def _element(tensor: Any) -> str:
    """Of `tensor(float)`; of what is no tensor something that no table knows."""
    text: str = tensor.type
    return text[len("tensor(") : -1]


def _datatype(tensor: Any) -> str | None:
    element = _element(tensor)
    return _DATATYPES.get(element, element.upper()) if element in _TYPES else None


def _shape(tensor: Any) -> list[int]:
    """With -1 for what a request may choose, which ONNX gives a name or none."""
    return [each if isinstance(each, int) and each > 0 else -1 for each in tensor.shape]
