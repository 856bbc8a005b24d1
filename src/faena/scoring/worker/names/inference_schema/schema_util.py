"""What the decorators said of a function, as parts of an OpenAPI document."""

from __future__ import annotations

from .schema_decorators import SCHEMA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ["get_input_schema", "get_output_schema", "get_supported_versions", "is_schema_decorated"]


def is_schema_decorated(func: Callable[..., Any]) -> bool:
    return getattr(func, SCHEMA, None) is not None


def get_input_schema(func: Callable[..., Any]) -> dict[str, Any]:
    """Of the body that has all parameters."""
    schema = getattr(func, SCHEMA, None)
    if schema is None or not schema.inputs:
        return {}
    properties = {name: kind.input_to_swagger() for name, kind in schema.inputs.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in schema.optional],
        "example": {name: each["example"] for name, each in properties.items() if "example" in each},
    }


def get_output_schema(func: Callable[..., Any]) -> dict[str, Any]:
    schema = getattr(func, SCHEMA, None)
    if schema is None or schema.output is None:
        return {}
    described: dict[str, Any] = schema.output.input_to_swagger()
    return described


def get_supported_versions(func: Callable[..., Any]) -> list[str]:
    return ["2.0", "3.0", "3.1"]
