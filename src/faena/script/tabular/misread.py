"""What pandas reads as something else without a word: 007 as 7, and what stands beside numbers of more than 64 bits."""

from __future__ import annotations

from importlib import import_module

from faena.script.tabular import quoting, types
from faena.script.tabular.frames import is_text, pandas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Optional, Sequence

_PIECE = 1 << 17
"""So much is looked at a time: it stays in the processor's cache."""
_ZERO, _SPACE, _LINE_BREAK, _QUOTE, _PLUS, _MINUS = b'0 \n"+-'
_FEW = 1000
_FEW_COLUMNS = 100
"""Up to so many, to look at what pandas made of them takes less time than to look at the block."""
_LARGE = float(1 << 63)
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")


def long_numbers(frame: Any, exact: set[int], empty_is_text: bool) -> set[int]:
    """Columns with a whole number of more than 64 bits before any other text, but those in `exact`: pandas makes
    numbers of some fields there, and leaves empty ones as they are, which are nulls.
    """
    texts = [place for place, dtype in enumerate(frame.dtypes) if is_text(dtype) and place not in exact]
    if not len(frame):
        return set()
    found = set()
    for place in texts:
        column = frame[place]
        first = column.iat[0]  # were it null, pandas would have seen the others, too
        if first is None or first != first or (isinstance(first, str) and first and not _whole(first)):
            continue
        numbers = pandas().api.types.infer_dtype(column, skipna=True) not in ("string", "empty")
        if numbers or (not empty_is_text and bool((column == "").any())):
            found.add(place)
    return found


def _whole(text: str) -> bool:
    return types.WHOLE.fullmatch(text) is not None


def large_numbers(frame: Any, block: bytes, of: Sequence[Mapping[str, Any]], exact: set[int]) -> set[int]:
    """Columns of floats that may have whole numbers of more than 64 bits in this block, which floats round."""
    floats = [
        place
        for place, kind in enumerate(of)
        if kind["type"] == "float" and not kind.get("said") and place not in exact
    ]
    if len(floats) > _FEW_COLUMNS and not _has_long_numbers(block):
        return set()
    found = {place for place in floats if _has_large(frame[place].values)}
    return found if found and _has_long_numbers(block) else set()


def _has_large(values: Any) -> bool:
    kind = values.dtype.kind
    return kind == "u" or (kind == "f" and bool(((values >= _LARGE) | (values <= -_LARGE)).any()))


def _has_long_numbers(block: bytes) -> bool:
    """Whether 19 digits stand side by side."""
    return b"0" * 19 in block.translate(_DIGITS_ALIKE)


def codes(
    block: bytes, separator: bytes, of: Sequence[Mapping[str, Any]], exact: set[int], multi_line: bool
) -> set[int]:
    """Columns of numbers, as far as the first rows showed, that may have codes like 007 in this block."""
    numbers = {
        place
        for place, kind in enumerate(of)
        if kind["type"] in ("long", "float") and not kind.get("said") and place not in exact
    }
    if not numbers:
        return numbers
    found = _places(block, separator, len(of), multi_line)
    return numbers if found is None else numbers & found


def _places(block: bytes, separator: bytes, fields: int, multi_line: bool) -> Optional[set[int]]:
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
