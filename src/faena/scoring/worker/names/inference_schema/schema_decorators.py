"""`@input_schema("data", NumpyParameterType(sample))` and `@output_schema(…)`."""

from __future__ import annotations

import functools
import inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .parameter_types.abstract_parameter_type import AbstractParameterType

__all__ = ["input_schema", "output_schema"]

SCHEMA = "_faena_schema"


class Schema:
    """What decorators said of a function."""

    def __init__(self) -> None:
        self.inputs: dict[str, AbstractParameterType] = {}
        """In the order in which the function takes them."""
        self.optional: set[str] = set()
        self.output: AbstractParameterType | None = None


def input_schema(
    param_name: str,
    param_type: AbstractParameterType,
    convert_to_provided_type: bool = True,
    optional: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Has the parameter be converted to the type of the sample."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        position = _position(function, param_name)

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if convert_to_provided_type:
                if param_name in named:
                    named[param_name] = _converted(param_type, named[param_name], optional)
                elif position is not None and len(arguments) > position:
                    given = list(arguments)
                    given[position] = _converted(param_type, given[position], optional)
                    return function(*given, **named)
            return function(*arguments, **named)

        schema = _schema_of(function)
        schema.inputs = {param_name: param_type, **schema.inputs}
        if optional:
            schema.optional.add(param_name)
        vars(call)[SCHEMA] = schema
        return call

    return decorate


def output_schema(output_type: AbstractParameterType) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Says what the function returns; nothing is converted."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            return function(*arguments, **named)

        schema = _schema_of(function)
        schema.output = output_type
        vars(call)[SCHEMA] = schema
        return call

    return decorate


def _schema_of(function: Callable[..., Any]) -> Schema:
    found = getattr(function, SCHEMA, None)
    return found if isinstance(found, Schema) else Schema()


def _converted(kind: AbstractParameterType, value: Any, optional: bool) -> Any:
    return value if optional and value is None else kind.deserialize_input(value)


def _position(function: Callable[..., Any], name: str) -> int | None:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None
    if name not in names:
        raise ValueError(
            "{!r} is no parameter of {}({}): input_schema names one that it takes.".format(
                name, getattr(function, "__name__", "run"), ", ".join(names)
            )
        )
    return names.index(name)
