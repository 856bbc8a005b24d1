"""Spans sent as protocol buffers."""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from typing import Any

from faena.kernel import protobuf
from faena.traces.opentelemetry.shapes import DEEPEST, SHAPES, Counted, Field, Kind, Unreadable


def read(body: bytes) -> dict[str, Any]:
    """A request, in the form of `SHAPES`. Raises Unreadable."""
    try:
        return _message(memoryview(body), "request", 0, Counted())
    except (protobuf.Malformed, UnicodeDecodeError) as error:
        raise Unreadable("these bytes are no protocol buffers") from error


def _message(data: memoryview, shape: str, depth: int, counted: Counted) -> dict[str, Any]:
    if depth > DEEPEST:
        raise Unreadable(f"values go deeper than {DEEPEST} levels")
    known = SHAPES[shape]
    found: dict[str, Any] = {}
    for number, value in protobuf.fields(data):
        counted.one_more()
        field = known.get(number)
        if field is None:
            continue
        made = _value(field, value, depth, counted)
        if field.repeated:
            found.setdefault(field.name, []).append(made)
        else:
            if shape == "value":
                found.clear()  # one of them at a time: the last one counts
            found[field.name] = made
    return found


def _value(field: Field, value: int | memoryview, depth: int, counted: Counted) -> Any:
    if isinstance(value, int):
        match field.of:
            case Kind.FLAG:
                return bool(value)
            case Kind.WHOLE:
                return str(protobuf.signed(value))
            case Kind.SMALL:
                return value & 0xFFFFFFFF
        raise protobuf.Malformed
    match field.of:
        case str() as shape:
            return _message(value, shape, depth + 1, counted)
        case Kind.TEXT:
            return str(value, "utf-8")
        case Kind.IDENTITY | Kind.BYTES:
            return b64encode(value).decode()
        case Kind.NANOSECONDS if len(value) == 8:
            return str(int.from_bytes(value, "little"))
        case Kind.FIXED if len(value) == 4:
            return int.from_bytes(value, "little")
        case Kind.REAL if len(value) == 8:
            return real(struct.unpack("<d", value)[0])
    raise protobuf.Malformed


def real(value: float) -> float | str:
    """As protocol buffers' JSON has it, which has words for what are no numbers in JSON."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
