"""Numbers with leading zeros, such as 007: codes, which pandas reads as the number 7 without a word."""

from __future__ import annotations

from importlib import import_module

from faena.script.tabular import quoting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

_PIECE = 1 << 17
"""So much is looked at a time: it stays in the processor's cache."""
_ZERO, _SPACE, _LINE_BREAK, _QUOTE, _PLUS, _MINUS = b'0 \n"+-'
_FEW = 1000


def places(block: bytes, separator: bytes, fields: int, multi_line: bool) -> Optional[set[int]]:
    """The columns in which a field begins with a zero and another digit; None where it takes long to say which."""
    numpy = import_module("numpy")  # by name: it comes with the pandas of whoever asks
    text = numpy.frombuffer(b"\n\n" + block[:_PIECE], dtype="uint8")
    found = [_begun(numpy, text, separator)]
    text = numpy.frombuffer(block, dtype="uint8")
    for at in range(_PIECE - 1, len(text), _PIECE):
        found.append(_begun(numpy, text[at - 2 : at + _PIECE + 1], separator) + at)
    del text  # the block's memory is used again
    starts = numpy.concatenate(found)
    if not len(starts):
        return set()
    if multi_line and b'"' in block:
        return None
    if len(starts) <= _FEW:
        return {_place(block, separator, int(at)) for at in starts}
    return _places_of_many(numpy, block, separator, fields, starts)


def _begun(numpy: Any, text: Any, separator: bytes) -> Any:
    """Where such a zero is, counted from the third byte; the first two are those in front of the piece."""
    zeros = text[2:-1] == _ZERO
    zeros &= (text[3:] - numpy.uint8(_ZERO)) < 10  # what is below a zero wraps around
    ends = text == separator[0]
    ends |= text == _LINE_BREAK
    ends |= text == _QUOTE
    first = numpy.flatnonzero(zeros & ends[1:-2])
    ends |= text == _SPACE
    zeros &= ends[:-3]
    second = numpy.flatnonzero(zeros)
    if not len(second):
        return first
    before = text[second + 1]
    second = second[(before == _SPACE) | (before == _PLUS) | (before == _MINUS)]
    return numpy.union1d(first, second) if len(second) else first


def _place(block: bytes, separator: bytes, at: int) -> int:
    return quoting.scan(bytes(block[block.rfind(b"\n", 0, at) + 1 : at]), separator)[0]


def _places_of_many(
    numpy: Any, block: bytes, separator: bytes, fields: int, starts: Any
) -> Optional[set[int]]:
    """Where each line has all its fields and nothing is quoted, a field's number says its column."""
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    if b'"' in block or block.count(separator) != lines * (fields - 1) or b"\n\n" in block:
        return None
    text = numpy.frombuffer(block, dtype="uint8")
    ends = numpy.flatnonzero((text == separator[0]) | (text == 10))
    return {int(place) for place in numpy.unique(numpy.searchsorted(ends, starts) % fields)}
