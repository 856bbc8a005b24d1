"""What a handle was given, as the bytes that a server reads: refused here when the server could not read it."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from faena.kernel.errors import UserErrorException

_REASON = re.compile(r"(?P<why>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def encode(value: msgspec.Struct) -> bytes:
    """The JSON of a wire type.

    Raises UserErrorException that names the field and what it was given, where its type is not the field's: Python
    checks no types when a struct is made.
    """
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise UserErrorException(f"{error.object[:80]!a} is not Unicode text. Use another text.") from None
    except (TypeError, OverflowError, RecursionError) as error:
        raise UserErrorException(
            f"A value cannot be sent: {error}. Use text, numbers, lists and dicts."
        ) from None
    try:
        msgspec.json.decode(data, type=type(value))
    except msgspec.ValidationError as error:
        raise UserErrorException(_refusal(value, str(error))) from None
    return data


def shown(value: object) -> str:
    """A value in a message: at most 80 characters, all of them printable."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def texts(given: Mapping[str, Any] | None, what: str) -> dict[str, str]:
    """Keys and values as text, None as "". Raises UserErrorException for what is no mapping."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UserErrorException(f"{what} is {str(given)[:80]!r}. Use a dict, such as {{'area': 'mnist'}}.")
    return {str(key): "" if value is None else str(value) for key, value in given.items()}


def whole(given: Any, what: str) -> int:
    """A whole number, also one of numpy. Raises UserErrorException for anything else."""
    try:
        return operator.index(given)
    except TypeError:
        raise UserErrorException(f"{what} is {shown(given)}. Use a whole number.") from None


def number(given: Any, what: str) -> float:
    """A number, also one of numpy. Raises UserErrorException for anything else."""
    if isinstance(given, (str, bytes)) or not hasattr(given, "__float__"):
        raise UserErrorException(f"{what} is {shown(given)}. Use a number.")
    return float(given)


def labels(given: Any, what: str) -> str | None:
    """What a list filters by, as the route takes it: `key` or `[key, value]` each, or a dict of values by key.

    Raises UserErrorException for anything else.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = list(given.items())
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise UserErrorException(f"{what} is {given!r}. Use a list of 'key' and ['key', 'value'].")
    asked = []
    for label in given:
        parts = [label] if isinstance(label, str) else label
        if not isinstance(parts, (list, tuple)) or not 1 <= len(parts) <= 2:
            raise UserErrorException(
                f"{what} holds {str(label)[:80]!r}. Use 'key' or ['key', 'value'] for each."
            )
        asked.append([str(part) for part in parts])
    return msgspec.json.encode(asked).decode()


def _refusal(value: msgspec.Struct, error: str) -> str:
    found = _REASON.fullmatch(error)
    path = (found["path"] if found else None) or type(value).__name__
    why = (found["why"] if found else error).replace("`", "")
    why = f"{why[:1].lower()}{why[1:]}"
    # The decoder's `environment.variables[...].name` is of some value of a dict: the dict is shown.
    path = path.partition("[...]")[0]
    given: Any = value
    for name, index in _STEP.findall(path):
        given = given[int(index)] if index else getattr(given, name, given)
    if isinstance(given, float) and not math.isfinite(given):
        return f"{path} is {given}. Use a finite number."
    return f"{path} is {shown(given)}: {why}."
