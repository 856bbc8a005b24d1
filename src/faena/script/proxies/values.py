"""Values as JSON holds them, and back: plain ones are copied, all else is said by whoever has it.

None, bool, text, numbers of 64 bits stand for themselves; everything else is a list whose first item says what it is.
"""

from __future__ import annotations

import datetime
import decimal
import os
import pathlib
from array import array

from faena.script.proxies import arrays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

DEEPEST = 100
"""Levels of lists and dicts in one another."""
_LARGEST = 2**63
_MANY = 64
"""Numbers of one kind from which on a list of them goes as bytes: text takes ten times as long."""
_CODES = {int: "q", float: "d"}
_ATOMS = frozenset([type(None), bool, str, float])
_INT = frozenset([int])
_COMPOUND = frozenset([list, dict])


class Unreadable(ValueError):
    """What came stands for no value."""


class Encoder:
    """Of one message. `other`: says what is not plain. `live`: says lists and dicts that are to stay their owner's."""

    def __init__(
        self, other: Callable[[Any, "Encoder"], Any], live: Callable[[Any, "Encoder"], Any] | None = None
    ) -> None:
        self.pieces: List[Any] = []
        self._other = other
        self._live = live
        self._depth = 0

    def piece(self, data: Any) -> int:
        """Bytes that go beside the text; their number."""
        self.pieces.append(data)
        return len(self.pieces) - 1

    def encode(self, value: Any) -> Any:
        """Raises ValueError for what is nested deeper than `DEEPEST`, and what `other` raises."""
        kind = type(value)
        if kind in _ATOMS:
            return value
        if kind is int:
            return value if -_LARGEST <= value < _LARGEST else ["i", hex(value)]
        if self._depth > DEEPEST:
            raise ValueError("Lists and dicts may be nested {} levels deep.".format(DEEPEST))
        self._depth += 1
        try:
            if kind in (list, dict) and self._live is not None:
                return self._live(value, self)
            encode = _ENCODERS.get(kind)
            return encode(self, value) if encode is not None else self._like_others(value)
        finally:
            self._depth -= 1

    def items(self, values: Any) -> List[Any]:
        """Encoded, each; where all stand for themselves, without a call for each."""
        found = list(values)
        kinds = set(map(type, found))
        if kinds <= _ATOMS or (kinds == _INT and -_LARGEST <= min(found) <= max(found) < _LARGEST):
            return found
        encode = self.encode
        return [encode(value) for value in found]

    def _like_others(self, value: Any) -> Any:
        """Types that inherit from plain ones, arrays, paths; the rest is the owner's."""
        encoded = arrays.encoded(value, self)
        if encoded is not None:
            return encoded
        for kind, encode in _INHERITED:
            if isinstance(value, kind) and _is_plain(value):
                return encode(self, value)
        return self._other(value, self)


def _is_plain(value: Any) -> bool:
    """Whether its type only changes how it is made or shown: what has words of ours stays with its owner."""
    kind = type(value)
    return not kind.__module__.startswith("faena") and not any(
        base.__module__ == "enum" for base in kind.__mro__
    )


def plain_list(encoder: Encoder, value: Any) -> Any:
    if len(value) >= _MANY:
        code = _CODES.get(type(value[0]))
        if code is not None and len(set(map(type, value))) == 1:
            try:
                return ["n", code, encoder.piece(array(code, value).tobytes())]
            except OverflowError:
                pass
    return ["l", *encoder.items(value)]


def plain_dict(encoder: Encoder, value: Any) -> Any:
    keys, values = list(value.keys()), list(value.values())
    return ["d", encoder.items(keys), encoder.items(values)]


def _moment(encoder: Encoder, value: datetime.datetime) -> Any:
    offset = value.utcoffset()
    zone = None if offset is None else [offset.total_seconds(), value.tzname()]
    parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
    return ["t", parts, value.fold, zone]


_ENCODERS: Dict[type, Callable[[Encoder, Any], Any]] = {
    list: plain_list,
    dict: plain_dict,
    tuple: lambda encoder, value: ["(", *encoder.items(value)],
    set: lambda encoder, value: ["{", *encoder.items(value)],
    frozenset: lambda encoder, value: ["f", *encoder.items(value)],
    bytes: lambda encoder, value: ["b", encoder.piece(value)],
    bytearray: lambda encoder, value: ["b", encoder.piece(bytes(value))],
    complex: lambda encoder, value: ["c", value.real, value.imag],
    datetime.datetime: _moment,
    datetime.date: lambda encoder, value: ["y", value.toordinal()],
    datetime.timedelta: lambda encoder, value: ["+", value.days, value.seconds, value.microseconds],
    decimal.Decimal: lambda encoder, value: ["D", str(value)],
}
_INHERITED: List[Any] = [
    (str, lambda encoder, value: str.__str__(value)),
    (bool, lambda encoder, value: bool(value)),
    (int, lambda encoder, value: encoder.encode(int(value))),
    (float, lambda encoder, value: float(value)),
    (dict, plain_dict),
    (list, plain_list),
    (tuple, lambda encoder, value: ["(", *encoder.items(value)]),
    (datetime.datetime, _moment),
    (pathlib.PurePath, lambda encoder, value: ["p", os.fspath(value)]),
]


class Decoder:
    """Of one message. `others`: by the first item of a list, how what is not plain is found again."""

    def __init__(self, others: Dict[str, Callable[..., Any]], pieces: List[bytes]) -> None:
        self.pieces = pieces
        self._others = others

    def decode(self, said: Any) -> Any:
        """Raises Unreadable for what nobody can have said, and what `others` raise."""
        if type(said) is not list:
            if type(said) is dict:
                raise Unreadable("a value cannot be read: a JSON object stands for nothing")
            return said
        try:
            return self._of_list(said)
        except (TypeError, IndexError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Unreadable("a value cannot be read: {!r}".format(error)) from error
        except Unreadable:
            raise
        except (ValueError, ArithmeticError) as error:
            raise Unreadable("a value cannot be read: {}".format(error)) from error

    def items(self, said: List[Any]) -> List[Any]:
        if _COMPOUND.isdisjoint(map(type, said)):
            return list(said)
        return [self.decode(each) for each in said]

    def piece(self, number: Any) -> bytes:
        if type(number) is not int or number < 0:
            raise Unreadable("there is no piece {!r}".format(number))
        return self.pieces[number]

    def _of_list(self, said: List[Any]) -> Any:
        kind = said[0]
        decode = _DECODERS.get(kind)
        if decode is not None:
            return decode(self, said)
        return self._others[kind](self, *said[1:])


def _decoded_numbers(decoder: Decoder, said: List[Any]) -> List[Any]:
    if said[1] not in ("q", "d"):
        raise Unreadable("{!r} is no kind of numbers".format(said[1]))
    found = array(said[1])
    found.frombytes(decoder.piece(said[2]))
    return found.tolist()


def _decoded_dict(decoder: Decoder, said: List[Any]) -> Dict[Any, Any]:
    keys, values = decoder.items(said[1]), decoder.items(said[2])
    if len(keys) != len(values):
        raise Unreadable("a dict has {} keys and {} values".format(len(keys), len(values)))
    return dict(zip(keys, values))


def _decoded_moment(decoder: Decoder, said: List[Any]) -> datetime.datetime:
    zone = None
    if said[3] is not None:
        offset = datetime.timedelta(seconds=said[3][0])
        name = said[3][1]
        zone = datetime.timezone.utc if not offset and name == "UTC" else datetime.timezone(offset, name)
    year, month, day, hour, minute, second, microsecond = said[1]
    return datetime.datetime(year, month, day, hour, minute, second, microsecond, zone, fold=said[2])


_DECODERS: Dict[str, Callable[[Decoder, List[Any]], Any]] = {
    "l": lambda decoder, said: decoder.items(said[1:]),
    "n": _decoded_numbers,
    "d": _decoded_dict,
    "(": lambda decoder, said: tuple(decoder.items(said[1:])),
    "{": lambda decoder, said: set(decoder.items(said[1:])),
    "f": lambda decoder, said: frozenset(decoder.items(said[1:])),
    "b": lambda decoder, said: decoder.piece(said[1]),
    "i": lambda decoder, said: int(said[1], 16),
    "c": lambda decoder, said: complex(said[1], said[2]),
    "t": _decoded_moment,
    "y": lambda decoder, said: datetime.date.fromordinal(said[1]),
    "+": lambda decoder, said: datetime.timedelta(said[1], said[2], said[3]),
    "D": lambda decoder, said: decimal.Decimal(said[1]),
    "p": lambda decoder, said: pathlib.Path(said[1]),
    "a": lambda decoder, said: arrays.decoded_array(decoder, *said[1:]),
    "F": lambda decoder, said: arrays.decoded_frame(decoder, *said[1:]),
    "S": lambda decoder, said: arrays.decoded_series(decoder, *said[1:]),
}
