"""What a handle was given, as the bytes that a server reads: refused here when the server could not read it."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from faena.kernel.errors import UserErrorException

_REASON = re.compile(r"(?P<why>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)


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


def _refusal(value: msgspec.Struct, error: str) -> str:
    found = _REASON.fullmatch(error)
    path = (found["path"] if found else None) or ""
    given: Any = value
    # The path as the decoder gives it: `environment.packages[...]`; an item's place is not told.
    for name in re.findall(r"[^.\[\]]+", path):
        given = getattr(given, name, given)
    field = re.sub(r"\[.*", "", path).rpartition(".")[2] or type(value).__name__
    if isinstance(given, float) and not math.isfinite(given):
        return f"{field} is {given}. Use a finite number."
    why = (found["why"] if found else error).replace("`", "")
    return f"{field} is {shown(given)}: {why[:1].lower()}{why[1:]}."
