"""What the other side can ask."""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable, Sequence
from typing import Any

from faena.helper import describing
from faena.helper.describing import class_named
from faena.kernel.errors import FaenaError


def module(name: str) -> dict[str, Any] | None:
    """What a module has; None where there is none. Raises what its import raises."""
    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            return None
        raise
    return {
        "doc": found.__doc__,
        "package": hasattr(found, "__path__"),
        "all": list(getattr(found, "__all__", None) or []),
        "names": [each for each in dir(found) if not each.startswith("__")],
    }


def member(name: str, attribute: str) -> Any:
    """An attribute of a module, or the module of that name below it."""
    found = importlib.import_module(name)
    try:
        return getattr(found, attribute)
    except AttributeError:
        try:
            return importlib.import_module(f"{name}.{attribute}")
        except ModuleNotFoundError:
            pass
        raise


def describe(name: str, qualified: str) -> dict[str, Any]:
    return describing.described(class_named(name, qualified))


def call(target: Any, name: str, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
    """A method, or with an empty name the object itself."""
    done: Callable[..., Any] = getattr(target, name) if name else target
    return done(*arguments, **named)


def of_class(target: type, name: str, arguments: Sequence[Any]) -> Any:
    """What its metaclass does, such as to list the members of an enumeration."""
    return getattr(type(target), name)(target, *arguments)


def function(name: str, qualified: str, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
    found = importlib.import_module(name)
    for part in qualified.split("."):
        found = getattr(found, part)
    return call(found, "", arguments, named)


def change(target: Any, name: str, arguments: Sequence[Any], named: dict[str, Any]) -> None:
    """A list or dict in its place."""
    if isinstance(target, dict | list):
        getattr(target, name)(*arguments, **named)


def names_of(target: Any) -> list[str]:
    return [name for name in dir(target) if not name.startswith("_")]


def attribute(target: Any, name: str) -> Any:
    found = getattr(target, name)
    if isinstance(found, types.ModuleType):
        raise FaenaError(f"{name} is a module.")
    return found


def _set(target: Any, name: str, value: Any) -> None:
    setattr(target, name, value)


def _delete(target: Any, name: str) -> None:
    delattr(target, name)


ALL: dict[str, Callable[..., Any]] = {
    "module": module,
    "member": member,
    "describe": describe,
    "call": call,
    "class": of_class,
    "function": function,
    "change": change,
    "dir": names_of,
    "get": getattr,
    "attribute": attribute,
    "set": _set,
    "delete": _delete,
}
