"""This side's share of messages: the counterpart of `faena.script.proxies.marshal`."""

from __future__ import annotations

import sys
import traceback
import types
from typing import Any

from faena.helper import describing
from faena.helper.callers import CallerError, CallerFunction, CallerObject
from faena.helper.state import objects
from faena.kernel.errors import ServiceException
from faena.script.proxies import values

_LONGEST = 20_000


def say(value: Any, encoder: values.Encoder) -> Any:
    if isinstance(value, CallerObject):
        return ["o", value.faena_number]
    if isinstance(value, type):
        return ["k", *describing.place_of(value)]
    if isinstance(value, BaseException):
        return error(value, encoder)
    if value is NotImplemented:
        return ["N"]
    if value is Ellipsis:
        return ["..."]
    if isinstance(value, types.ModuleType):
        return ["m", value.__name__]
    if isinstance(value, types.FunctionType) and _is_found(value):
        about = describing.function_about(value)
        return ["v", value.__module__, value.__qualname__, encoder.encode(about)]
    return ["r", objects.give(value), *describing.place_of(type(value))]


def live(value: Any, encoder: values.Encoder) -> Any:
    """A list or dict that an object has: what is changed of it there is changed here."""
    said = values.plain_dict(encoder, value) if isinstance(value, dict) else values.plain_list(encoder, value)
    return ["L", objects.give(value), said]


def error(value: BaseException, encoder: values.Encoder) -> Any:
    """Its class, arguments and attributes, as far as they are plain, and its traceback as text."""
    lines = traceback.format_exception(type(value), value, value.__traceback__)
    attributes = {name: each for name, each in vars(value).items() if _is_plain(each)}
    kept = getattr(value, "faena_kept", None)
    return [
        "e",
        *describing.place_of(type(value)),
        [encoder.encode(each) if _is_plain(each) else repr(each)[:1000] for each in value.args],
        encoder.encode(attributes),
        "".join(lines)[-_LONGEST:],
        kept,
    ]


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (bool, int, float, str, list, tuple, dict)


def _is_found(function: types.FunctionType) -> bool:
    """Whether its name leads to it."""
    found: Any = sys.modules.get(function.__module__)
    return getattr(found, function.__qualname__, None) is function


def decoder(pieces: list[bytes], pid: int) -> values.Decoder:
    def referred(_: Any, number: int) -> Any:
        try:
            return objects.find(number)
        except KeyError:
            raise ServiceException("An object that was handed out is gone. Ask for it again.") from None

    def function(_: Any, module: str, name: str) -> Any:
        return describing.class_named(module, name)  # found the same way

    def caller(_: Any, number: int, is_callable: bool, name: str) -> Any:
        return (CallerFunction if is_callable else CallerObject)(pid, number, name)

    def failed(_: Any, *parts: Any) -> BaseException:
        return callers_error(*parts)

    others: dict[str, Any] = {
        "r": referred,
        "k": lambda _, module, name: describing.class_named(module, name),
        "v": function,
        "o": caller,
        "e": failed,
    }
    return values.Decoder(others, pieces)


def callers_error(
    module: str, name: str, arguments: list[Any], kept: int, text: str, trace: str
) -> BaseException:
    """An error of the other side's, as one of the same class where there is one here."""
    try:
        found: Any = describing.class_named(module, name)
        made: BaseException = found(*arguments)
        if not isinstance(made, BaseException):
            raise TypeError(name)
    except Exception:  # noqa: BLE001  a class of the user's, or one that wants more
        made = CallerError(text)
        made.__class__ = type(name, (CallerError,), {"__module__": module})
    made.faena_kept = kept  # type: ignore[attr-defined]  # a field of ours on any error
    made.add_note(trace)
    return made
