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


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    settings.inter_op_num_threads = 1
    providers = options.get("providers", ["CPUExecutionProvider"])
    session = onnxruntime.InferenceSession(path, settings, providers=providers)
    outputs = [each.name for each in session.get_outputs()]
    inputs = {
        each.name: Array(_TYPES.get(each.type[len("tensor(") : -1]), len(each.shape) or None)
        for each in session.get_inputs()
    }

    def run(**data: Any) -> Any:
        found = session.run(outputs, data)
        return found[0] if len(found) == 1 else dict(zip(outputs, found))

    return run, inputs
