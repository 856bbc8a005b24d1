"""The single numbers of an event: TensorFlow 1's `simple_value`, and tensors of one element as TensorFlow 2, Keras and
PyTorch write them. Images, histograms, texts, graphs and hyperparameters are passed over."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faena.kernel.protobuf import Malformed, fields, signed, varint

_LATEST = 1e11
"""Seconds since the epoch, beyond which a time is none."""
_CONTENT = dict(
    zip((1, 2, 3, 4, 5, 6, 9, 10, 17, 19, 22, 23), ("<" + form for form in "fdiBhbq?HeIQ"), strict=True)
)
"""How a number lies in `tensor_content`, by the tensor's type."""
_BFLOAT16 = 14
_FLOAT_VAL, _DOUBLE_VAL, _HALF_VAL, _TENSOR_CONTENT = 5, 6, 13, 4
_WHOLE: dict[int, Callable[[int], int]] = {7: signed, 10: signed, 11: bool, 16: int, 17: int}
"""int_val, int64_val, bool_val, uint32_val, uint64_val."""


@dataclass(frozen=True, slots=True)
class Scalar:
    tag: str
    time: int
    """Microseconds since the epoch."""
    step: int
    value: float


def scalars(event: bytes) -> Iterator[Scalar]:
    """Those of one event, in their order. Raises Malformed."""
    seconds, step, summaries = 0.0, 0, []
    for number, value in fields(event):
        if number == 1:
            seconds = _unpacked("<d", value)
        elif number == 2 and isinstance(value, int):
            step = signed(value)
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    if not 0 < seconds < _LATEST:
        return
    time = int(seconds * 1_000_000)
    for summary in summaries:
        for number, value in fields(summary):
            if number == 1 and isinstance(value, bytes) and (found := _value(value)) is not None:
                yield Scalar(found[0], time, step, found[1])


def _value(message: bytes) -> tuple[str, float] | None:
    """Tag and number; None where it is something else."""
    tag, plugin, simple, tensor = "", "", None, None
    for number, value in fields(message):
        if number == 1:
            tag = _text(value)
        elif number == 2:
            simple = _unpacked("<f", value)
        elif number == 8 and isinstance(value, bytes):
            tensor = value
        elif number == 9 and isinstance(value, bytes):
            plugin = _plugin(value)
    if plugin not in ("", "scalars"):
        return None
    found = simple if simple is not None or tensor is None else _tensor(tensor)
    return None if found is None else (tag, found)


def _plugin(metadata: bytes) -> str:
    for number, value in fields(metadata):
        if number == 1 and isinstance(value, bytes):
            for inner, name in fields(value):
                if inner == 1:
                    return _text(name)
    return ""


def _tensor(message: bytes) -> float | None:
    """The one number that a tensor holds; None where it holds several, or none."""
    kind, found, count = 0, None, 0
    contents = b""
    for number, value in fields(message):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, bytes):
            if not _is_single(value):
                return None
        elif number == _TENSOR_CONTENT and isinstance(value, bytes):
            contents = value
        else:
            for each in _values(number, value, kind):
                found, count = each, count + 1
                if count > 1:
                    return None
    if contents:
        return _content(kind, contents)
    return found


def _values(number: int, value: int | bytes, kind: int) -> Iterator[float]:
    """Of one field of a tensor, packed or not."""
    if number in (_FLOAT_VAL, _DOUBLE_VAL) and isinstance(value, bytes):
        form = "<f" if number == _FLOAT_VAL else "<d"
        yield from (each for (each,) in _iterated(form, value))
    elif number == _HALF_VAL:
        for bits in _varints(value):
            yield _half(bits, kind)
    elif number in _WHOLE:
        for each in _varints(value):
            yield _WHOLE[number](each)


def _varints(value: int | bytes) -> Iterator[int]:
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        found, at = varint(value, at)
        yield found


def _content(kind: int, contents: bytes) -> float | None:
    if kind == _BFLOAT16 and len(contents) == 2:
        return _half(int.from_bytes(contents, "little"), kind)
    form = _CONTENT.get(kind)
    if form is None or len(contents) != struct.calcsize(form):
        return None
    return _unpacked(form, contents)


def _half(bits: int, kind: int) -> float:
    whole = (bits & 0xFFFF).to_bytes(2, "little")
    return _unpacked("<f", b"\0\0" + whole) if kind == _BFLOAT16 else _unpacked("<e", whole)


def _is_single(shape: bytes) -> bool:
    """Whether each of its dimensions is 1, or it has none."""
    for number, dimension in fields(shape):
        if number == 2 and isinstance(dimension, bytes):
            sizes = [size for inner, size in fields(dimension) if inner == 1]
            if sizes != [1]:
                return False
    return True


def _unpacked(form: str, value: int | bytes) -> float:
    if isinstance(value, int):
        raise Malformed
    try:
        found: float = struct.unpack(form, value)[0]
    except struct.error as error:
        raise Malformed from error
    return found


def _iterated(form: str, value: bytes) -> Iterator[tuple[float]]:
    try:
        yield from struct.iter_unpack(form, value)
    except struct.error as error:
        raise Malformed from error


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise Malformed
    return value.decode("utf-8", "replace")
