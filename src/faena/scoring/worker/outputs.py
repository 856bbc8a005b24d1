"""What `run` returned, as tensors of the Open Inference Protocol."""

from __future__ import annotations

import json

from . import answers
from .answers import NotJson
from .datatypes import CODES, NUMPY, numpy, of_dtype

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence


def named(result: Any, wanted: dict[str, bool | None] | None, known: Sequence[str] = ()) -> dict[str, Any]:
    """By the names that the result has; a single value by the model's name, else by the one that was asked for."""
    if hasattr(result, "to_dict") and hasattr(result, "columns"):
        return {str(name): result[name].to_numpy() for name in result.columns}
    if isinstance(result, dict) and result:
        return {str(name): value for name, value in result.items()}
    if len(known) == 1:
        return {known[0]: result}
    name = next(iter(wanted)) if wanted is not None and len(wanted) == 1 else "output_0"
    return {name: result}


def described(name: str, value: Any, raw: list[bytes] | None) -> dict[str, Any]:
    value = answers.plain(value) if hasattr(value, "to_numpy") else value
    library = numpy()
    array = value if hasattr(value, "dtype") else library.asarray(value) if library is not None else None
    kind = of_dtype(array.dtype) if array is not None else None
    if array is None or kind is None:
        return _output_of_lists(name, array.tolist() if array is not None else value, raw)
    told: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(array.shape)}
    if raw is None:
        told["data"] = array.reshape(-1).tolist()
    else:
        data = array.astype(NUMPY[kind], copy=False).tobytes()
        raw.append(data)
        told["parameters"] = {"binary_data_size": len(data)}
    return told


def _output_of_lists(name: str, value: Any, raw: list[bytes] | None) -> dict[str, Any]:
    shape: list[int] = []
    level = value
    while isinstance(level, (list, tuple)):
        shape.append(len(level))
        level = level[0] if level else None
    flat: list[Any] = []
    flatten(_listed(value), flat, 1 << 40)
    count = 1
    for each in shape:
        count *= each
    if len(flat) != count:
        raise NotJson("run() returned rows of several lengths, which are no tensor.")
    kind = _kind_of(flat)
    if kind == "BYTES":
        flat = [each if isinstance(each, str) else json.dumps(each, default=answers.plain) for each in flat]
    told: dict[str, Any] = {"name": name, "datatype": kind, "shape": shape}
    if raw is None:
        told["data"] = flat
        return told
    if kind == "BYTES":
        texts = [each.encode() for each in flat]
        data = b"".join(len(each).to_bytes(4, "little") + each for each in texts)
    else:
        import struct

        data = struct.pack("<{}{}".format(len(flat), CODES[kind]), *flat)
    raw.append(data)
    told["parameters"] = {"binary_data_size": len(data)}
    return told


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, (list, tuple)) else value


def _kind_of(flat: list[Any]) -> str:
    kinds = {type(each) for each in flat}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int}:
        return "INT64" if min(flat) >= -(1 << 63) and max(flat) < 1 << 63 else "BYTES"  # as text, exactly
    return "FP64" if kinds and kinds <= {int, float} else "BYTES"


def flatten(data: Any, into: list[Any], most: int) -> None:
    pending = [data]
    while pending and len(into) <= most:
        each = pending.pop()
        if isinstance(each, list):
            if each and not isinstance(each[0], list):
                into.extend(each)
            else:
                pending.extend(reversed(each))
        else:
            into.append(each)
