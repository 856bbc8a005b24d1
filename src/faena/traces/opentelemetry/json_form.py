"""Spans sent as JSON: names with capitals within, ids as hexadecimal digits, long whole numbers as text."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from faena.traces.opentelemetry.protobuf_form import real
from faena.traces.opentelemetry.shapes import DEEPEST, SHAPES, Counted, Field, Kind, Unreadable


def read(body: bytes) -> dict[str, Any]:
    """A request, in the form of `SHAPES`. Raises Unreadable."""
    Counted().one_more(body.count(b"{") + body.count(b"["))  # before they take memory, in texts, too
    try:
        return _message(msgspec.json.decode(body), "request", 0)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Unreadable("this is no JSON") from error


def _message(given: Any, shape: str, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise Unreadable(f"values go deeper than {DEEPEST} levels")
    if not isinstance(given, dict):
        raise Unreadable(f"a {shape.replace('_', ' ')} is an object")
    found: dict[str, Any] = {}
    for name, value in given.items():
        field = _fields(shape).get(name)
        if field is None or value is None:
            continue
        if field.repeated:
            if not isinstance(value, list):
                raise Unreadable(f"{name} is a list")
            found[field.name] = [_value(field, each, depth) for each in value]
        else:
            found[field.name] = _value(field, value, depth)
    return found


@cache
def _fields(shape: str) -> dict[str, Field]:
    """By both of their names."""
    known = {field.name: field for field in SHAPES[shape].values()}
    return {**known, **{re.sub("_(.)", _capital, name): field for name, field in known.items()}}


def _capital(found: re.Match[str]) -> str:
    return found[1].upper()


def _value(field: Field, value: Any, depth: int) -> Any:
    if isinstance(field.of, str):
        return _message(value, field.of, depth + 1)
    try:
        return _READ[field.of](value)
    except (TypeError, ValueError, NotBase64) as error:
        raise Unreadable(f"{str(value)[:80]!r} is no {field.name}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    if isinstance(value, str) and len(value) > 20:
        raise ValueError
    found = int(value)
    if not -(2**63) <= found < 2**64:
        raise ValueError
    return found


def _small(value: Any) -> int:
    return _KINDS[value] if isinstance(value, str) and value in _KINDS else _whole(value) & 0xFFFFFFFF


_KINDS = {
    **{
        f"SPAN_KIND_{word}": number
        for number, word in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
    },
    **{f"STATUS_CODE_{word}": number for number, word in enumerate(("UNSET", "OK", "ERROR"))},
}
"""Enumerations are numbers in OpenTelemetry's JSON; some send their names."""


def _real(value: Any) -> float | str:
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > 40):
        raise TypeError
    return real(float(value))


def _nanoseconds(value: Any) -> str:
    if (found := _whole(value)) < 0:
        raise ValueError
    return str(found)


_READ: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.FLAG: _flag,
    Kind.SMALL: _small,
    Kind.FIXED: _small,
    Kind.WHOLE: lambda value: str(_whole(value)),
    Kind.NANOSECONDS: _nanoseconds,
    Kind.REAL: _real,
    Kind.BYTES: lambda value: b64encode(b64decode(_text(value), validate=True)).decode(),
    Kind.IDENTITY: lambda value: b64encode(bytes.fromhex(_text(value))).decode(),
}
