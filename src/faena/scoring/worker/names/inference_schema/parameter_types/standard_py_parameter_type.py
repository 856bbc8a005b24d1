"""A number, a text, a list, a dictionary, a date, or a dictionary of other types."""

from __future__ import annotations

import datetime

from .abstract_parameter_type import AbstractParameterType, of_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["StandardPythonParameterType"]

_DATES = (datetime.datetime, datetime.date, datetime.time)


class StandardPythonParameterType(AbstractParameterType):
    """Of the sample's type; parts of a dictionary that are types themselves are converted by them."""

    _faena_kind = "standard"

    def deserialize_input(self, input_data: Any) -> Any:
        return _converted(self.sample_input, input_data, "it")

    def input_to_swagger(self) -> dict[str, Any]:
        return _described(self.sample_input)


def _converted(sample: Any, value: Any, where: str) -> Any:
    if isinstance(sample, AbstractParameterType):
        return sample.deserialize_input(value)
    kind = type(sample)
    if isinstance(sample, dict) and isinstance(value, dict):
        typed = {name: each for name, each in sample.items() if _is_typed(each)}
        missing = [name for name in typed if name not in value]
        if missing:
            raise ValueError("{} lacks {!r}".format(where, missing[0]))
        return {
            name: _converted(typed[name], each, repr(name)) if name in typed else each
            for name, each in value.items()
        }
    if isinstance(value, kind) and not (kind is not bool and isinstance(value, bool)):
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (tuple, set, bytearray, bytes) and isinstance(value, (list, str)):
        return value.encode() if isinstance(value, str) else kind(value)
    if kind in _DATES and isinstance(value, str):
        return kind.fromisoformat(value.replace("Z", "+00:00"))
    if kind is datetime.timedelta and isinstance(value, (int, float)):
        return datetime.timedelta(seconds=value)
    raise ValueError("{} is a {}, and a {} is expected".format(where, type(value).__name__, kind.__name__))


def _is_typed(sample: Any) -> bool:
    if isinstance(sample, dict):
        return any(_is_typed(each) for each in sample.values())
    return isinstance(sample, AbstractParameterType)


def _described(sample: Any) -> dict[str, Any]:
    if isinstance(sample, AbstractParameterType):
        return sample.input_to_swagger()
    if isinstance(sample, dict):
        properties = {str(name): _described(each) for name, each in sample.items()}
        example = {name: each.get("example") for name, each in properties.items()}
        return {"type": "object", "properties": properties, "required": list(properties), "example": example}
    if isinstance(sample, datetime.timedelta):
        return {"type": "number", "format": "double", "example": sample.total_seconds()}
    if isinstance(sample, _DATES):
        return {"type": "string", "format": "date-time", "example": sample.isoformat()}
    return of_value(sample)
