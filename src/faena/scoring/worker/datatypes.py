"""The protocol's names of element types, as numpy and `struct` call them; numpy itself where the environment has it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NUMPY = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
CODES = {
    "BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i",
    "INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
OF_NUMPY = {code: name for name, code in NUMPY.items()}

_found: list[Any] = []


def numpy() -> Any:
    """Of the environment, where it has one."""
    if not _found:
        try:
            import numpy as library
        except ImportError:
            _found.append(None)
        else:
            _found.append(library)
    return _found[0]


def of_dtype(dtype: Any) -> str | None:
    """The protocol's name; None for what is no number."""
    if dtype.kind == "b":
        return "BOOL"
    return OF_NUMPY.get(dtype.newbyteorder("<").str.replace("|", "<"))
