"""What every type of a parameter can do."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AbstractParameterType"]


class AbstractParameterType:
    """By a sample of it."""

    def __init__(self, sample_input: Any) -> None:
        self.sample_input = sample_input
        self.sample_data_type = type(sample_input)

    def deserialize_input(self, input_data: Any) -> Any:
        """The value of JSON as the sample's type; one that is of it already, as it is. Raises ValueError."""
        raise NotImplementedError

    def input_to_swagger(self) -> dict[str, Any]:
        raise NotImplementedError


def of_number(kind: str, size: int) -> dict[str, Any]:
    """Of one element of an array: numpy's letter for its kind, and its bytes."""
    if kind in "iu":
        return {"type": "integer", "format": "int64" if size > 4 else "int32"}
    if kind == "f":
        return {"type": "number", "format": "double" if size > 4 else "float"}
    if kind == "b":
        return {"type": "boolean"}
    if kind == "M":
        return {"type": "string", "format": "date-time"}
    return {"type": "object"} if kind == "O" else {"type": "string"}


def of_value(value: Any) -> dict[str, Any]:
    """Of a value that JSON has."""
    if isinstance(value, bool):
        return {"type": "boolean", "example": value}
    if isinstance(value, int):
        return {"type": "integer", "format": "int64", "example": value}
    if isinstance(value, float):
        return {"type": "number", "format": "double", "example": value}
    if isinstance(value, str):
        return {"type": "string", "example": value}
    if isinstance(value, (list, tuple, set)):
        listed = list(value)
        items = of_value(listed[0]) if listed else {"type": "object"}
        items.pop("example", None)
        return {"type": "array", "items": items, "example": listed}
    if isinstance(value, dict):
        properties = {str(name): of_value(each) for name, each in value.items()}
        example = {name: each.get("example") for name, each in properties.items()}
        return {"type": "object", "properties": properties, "required": list(properties), "example": example}
    return {"type": "object"}
