"""What the other side must know of a class to make one that looks like it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

_SPECIAL = frozenset(
    {
        "__abs__",
        "__add__",
        "__and__",
        "__bool__",
        "__call__",
        "__contains__",
        "__delitem__",
        "__enter__",
        "__eq__",
        "__exit__",
        "__float__",
        "__floordiv__",
        "__format__",
        "__fspath__",
        "__ge__",
        "__getitem__",
        "__gt__",
        "__hash__",
        "__int__",
        "__invert__",
        "__iter__",
        "__le__",
        "__len__",
        "__lt__",
        "__mod__",
        "__mul__",
        "__ne__",
        "__neg__",
        "__next__",
        "__or__",
        "__pow__",
        "__radd__",
        "__rand__",
        "__repr__",
        "__reversed__",
        "__rmul__",
        "__ror__",
        "__rsub__",
        "__rtruediv__",
        "__setitem__",
        "__str__",
        "__sub__",
        "__truediv__",
        "__xor__",
    }
)
_SHOWN = (
    "_repr_html_",
    "_repr_mimebundle_",
    "_ipython_display_",
    "_repr_markdown_",
    "_repr_svg_",
    "_repr_png_",
)
_OURS = ("faena", "azureml")
_LONGEST_DEFAULT = 200
_seen: dict[tuple[str, str], type] = {}


def place_of(cls: type) -> tuple[str, str]:
    """By which it is found again, also where it was made in a function."""
    place = (cls.__module__, cls.__qualname__)
    _seen.setdefault(place, cls)
    return place


def class_named(module: str, qualified: str) -> type:
    """Raises ImportError, AttributeError."""
    known = _seen.get((module, qualified))
    if known is not None:
        return known
    found: Any = importlib.import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    _seen[module, qualified] = found
    return found  # type: ignore[no-any-return]  # it is what its module and name lead to


def described(cls: type) -> dict[str, Any]:
    """Its bases that are ours, and what it has beyond those."""
    is_error = issubclass(cls, BaseException)
    kept = [base for base in cls.__bases__ if _is_kept(base, is_error)]
    covered = {each for base in kept for each in base.__mro__}
    return {
        "doc": inspect.getdoc(cls),
        "module": cls.__module__,
        "bases": [place_of(base) for base in kept],
        "error": is_error,
        "parameters": None if is_error else _parameters(cls),
        "members": [] if is_error else list(_members(cls, covered).values()),
    }


def _is_kept(base: type, is_error: bool) -> bool:
    if is_error:
        return issubclass(base, BaseException)
    return base.__module__.partition(".")[0].startswith(_OURS)


def _members(cls: type, covered: set[type]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for part in cls.__mro__:
        if part in covered or part is object:
            continue
        for name, value in vars(part).items():
            if name in found or (name.startswith("_") and name not in _SPECIAL and name not in _SHOWN):
                continue
            kind = _kind_of(value)
            if kind is not None:
                function = getattr(value, "__func__", value)
                known = None if kind in ("property", "none") else _parameters(function)
                found[name] = [name, kind, inspect.getdoc(value) if kind != "none" else None, known]
    return found


def _kind_of(value: Any) -> str | None:
    """None for what is asked for each time, as constants and classes within it are."""
    if value is None:
        return "none"
    if isinstance(value, classmethod):
        return "class"
    if isinstance(value, staticmethod):
        return "static"
    if inspect.isroutine(value):
        return "method"
    if isinstance(value, type):
        return None
    return "property" if hasattr(type(value), "__get__") else None


def function_about(function: Callable[..., Any]) -> dict[str, Any]:
    return {
        "module": function.__module__,
        "doc": inspect.getdoc(function),
        "parameters": _parameters(function),
    }


def _parameters(function: Callable[..., Any]) -> list[list[Any]] | None:
    """None where they are not known."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    return [
        [each.name, int(each.kind), None if each.default is each.empty else _shown(each.default)]
        for each in found
    ]


def _shown(default: Any) -> str:
    return repr(default)[:_LONGEST_DEFAULT]
