"""How the values of parameters are given to a script. No I/O.

    number        an integral one as an integer (128.0 is `128`), others by the fewest digits that say them
    True, False   as they are written here
    text          as it is; the empty one is a name without a value
    None          nothing: the parameter is left out, and the script's default holds
    list, dict    JSON

`--name value`, but `--name=value` where the value begins with a dash and argparse would not take it for a value.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from faena.kernel.errors import UserErrorException

LONGEST_NAME = 200
LONGEST_VALUE = 10_000
"""Characters of a value as an argument."""
_DEEPEST = 20
"""Lists and dicts within each other, in a value."""
_SHOWN = 60

_INTEGERS_BELOW = 1e21
"""From there on an integral number is shorter with an exponent, as in JSON of browsers."""
_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")
"""What argparse takes for a value although it begins with a dash; -1e-05 is not among it."""


def bare(name: str) -> str:
    """The parameter that a name means: `lr` and `--lr` are the same."""
    return name.lstrip("-")


def dashed(name: str) -> str:
    return name if name.startswith("-") else f"--{name}"


def shown(value: object) -> str:
    """For messages: short, whatever it is."""
    text = reprlib.repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def check_name(name: object) -> str:
    """Raises UserErrorException for what cannot be the name of an argument."""
    if not isinstance(name, str):
        raise UserErrorException(f"A parameter is called {shown(name)}. Use a text, such as '--lr'.")
    reason = None
    if not bare(name):
        reason = "has no letters"
    elif len(name) > LONGEST_NAME:
        reason = f"has {len(name):,} characters, {LONGEST_NAME} at most can be given"
    elif not name.isprintable() or any(letter.isspace() for letter in name):
        reason = "has a space or a control character"
    elif "=" in name:
        reason = "has an equals sign"
    elif name.startswith("-") and _is_number(name):
        reason = "is a number"
    if reason:
        raise UserErrorException(
            f"The parameter {shown(name)} cannot be the name of an argument: it {reason}. Use one like '--lr'."
        )
    return name


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_value(name: str, value: object) -> Any:
    """The value with lists for tuples. Raises UserErrorException for what is not JSON or no argument can be."""
    plain = _json(name, value, _DEEPEST)
    text = argument_text(plain) or ""
    if len(text) > LONGEST_VALUE:
        raise UserErrorException(
            f"Parameter {name!r}: the value {shown(value)} has {len(text):,} characters as an argument. Give "
            f"{LONGEST_VALUE:,} at most, or the name of a file."
        )
    return plain


def _json(name: str, value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if depth == 0:
        raise UserErrorException(f"Parameter {name!r}: a value is nested deeper than {_DEEPEST}. Give less.")
    if isinstance(value, (list, tuple, range)):
        return [_json(name, each, depth - 1) for each in value]
    if isinstance(value, Mapping):
        for key in value:
            _check_text(name, key)
        return {str.__str__(key): _json(name, each, depth - 1) for key, each in value.items()}
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return _check_text(name, value)


def _check_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UserErrorException(
            f"Parameter {name!r}: {shown(value)} ({type(value).__name__}) cannot be given to a script. Give finite "
            "numbers (integers within 64 bits), texts, True, False, None, or lists and dicts of them."
        )
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UserErrorException(
            f"Parameter {name!r}: the text {shown(value)} has a letter that no argument can have. Leave it out."
        )
    return str.__str__(value)


def argument_text(value: Any) -> str | None:
    """What follows the name; "" where nothing does, None where there is no argument at all."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is float:
        return str(int(value)) if value.is_integer() and abs(value) < _INTEGERS_BELOW else repr(value)
    if kind is int or kind is bool:
        return str(value)
    return None if value is None else json.dumps(value, ensure_ascii=False)


def arguments_of(values: Mapping[str, Any]) -> list[str]:
    """The arguments of a script, in the order of `values`."""
    return [part for name, value in values.items() for part in _argument(name, value)]


def _argument(name: str, value: Any) -> tuple[str, ...]:
    text = argument_text(value)
    if text is None:
        return ()
    name = dashed(name)
    if not text:
        return (name,)
    if text[0] == "-" and not _NEGATIVE_NUMBER.fullmatch(text):
        return (f"{name}={text}",)
    return (name, text)


def digest_of(values: Mapping[str, Any]) -> str:
    """Equal exactly where the arguments are, in whatever order."""
    parts = sorted(_argument(name, value) for name, value in values.items())
    return blake2b(
        "\0\0".join(["\0".join(part) for part in parts if part]).encode(), digest_size=16
    ).hexdigest()
