"""Whether bytes begin as an ONNX model does, which has no magic number: by the first fields of its message."""

from __future__ import annotations

_IR_VERSION, _GRAPH, _OPSETS = 1, 7, 8
_BYTES, _VARINT = 2, 0
_LONGEST = 10
_MOST_FIELDS = 50


def is_model(head: bytes) -> bool:
    """Its version comes first, then who made it, and then the graph or the sets of operators."""
    at, first = 0, True
    for _ in range(_MOST_FIELDS):
        tag, at = _varint(head, at)
        number, kind = tag >> 3, tag & 7
        if first and (number, kind) != (_IR_VERSION, _VARINT):
            return False
        if not first and number in (_GRAPH, _OPSETS) and kind == _BYTES:
            return True
        if at < 0 or kind not in (_BYTES, _VARINT) or not 0 < number < 30:
            return False
        value, at = _varint(head, at)
        if at < 0 or (kind == _BYTES and (at := at + value) >= len(head)):
            return False
        first = False
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number, and where what follows it begins; -1 where there is none."""
    value = 0
    for place in range(_LONGEST):
        if not 0 <= at < len(data):
            break
        value |= (data[at] & 127) << (7 * place)
        at += 1
        if data[at - 1] < 128:
            return value, at
    return 0, -1
