"""Points as bytes.

    version u8 (1) | layout u8 | count u32 | …                                   little-endian

Layout 0 (few points): 25 bytes each (time i64, step i64, bits i64, kind u8), then the payloads.
Layout 1: a column each for time, step, kind and value, then the payloads.

    integer column   width u8, first i64, least difference i64, then (difference - least) as `width` byte planes
    value column     tag u8: 0 float64 (8 byte planes); 1 all are float32 exactly (4 byte planes);
                     2 integer column (ints, or mixed values as bits);
                     10 + k all are an integer over 10^k exactly (integer column), k from 1 to 6
    plane            size u32, then zstd, or the bytes themselves when that is no shorter
    payloads         sizes as i64 count and u32 each, then the bytes; one zstd frame in layout 1

A plane holds one byte of each number. Planes are compressed apart: noisy low bytes in the same frame would spoil
the statistics of the steady high ones.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, cast

import zstandard

from faena.kernel.errors import ServiceException
from faena.tracking.arrays import np
from faena.tracking.points import JSON, Float64s, Int64s, Points

if TYPE_CHECKING:
    import numpy.typing as npt

_VERSION = 1
_ROWS, _COLUMNS = 0, 1
_FEW = 64
_FEW_FOR_NOW = 512
"""The same of what is soon joined with others: to encode it well takes ten times as long, and each batch would wait."""
_HEADER = struct.Struct("<BBI")
_ROW = struct.Struct("<qqqB")
_INTEGERS = struct.Struct("<Bqq")
_DOUBLE, _SINGLE, _BITS, _DECIMAL = 0, 1, 2, 10
_MOST_DIGITS = 6
_LEVEL = 3


def encode(points: Points, *, for_now: bool = False) -> bytes:
    """At least one point. About 25 bytes a point below 64 points, what the values' noise costs above.

    `for_now`: they are soon encoded again with others, so that below 512 points time counts for more than bytes.
    """
    count = len(points)
    if count == 1 and not points.payloads:  # most batches of a running script, and each metric of a step
        one = points.time.item(), points.step.item(), points.bits.item(), points.kind.item()
        return _HEADER.pack(_VERSION, _ROWS, 1) + _ROW.pack(*one)
    if count < (_FEW_FOR_NOW if for_now else _FEW):
        rows = np.empty(count, _row())
        rows["time"], rows["step"] = points.time, points.step
        rows["bits"], rows["kind"] = points.bits, points.kind
        return _HEADER.pack(_VERSION, _ROWS, count) + rows.tobytes() + _payloads(points.payloads)
    kinds = points.kind.astype(np.int64)
    columns = [_integers(points.time), _integers(points.step), _integers(kinds), _values(points)]
    payloads = _compress(_payloads(points.payloads)) if points.payloads else b""
    return _HEADER.pack(_VERSION, _COLUMNS, count) + b"".join(columns) + payloads


def decode(data: bytes) -> Points:
    """The points that `encode` got, bit by bit. Raises ServiceException on a version that it does not know."""
    version, layout, count = _HEADER.unpack_from(data)
    if version != _VERSION or layout not in (_ROWS, _COLUMNS):
        raise ServiceException(
            f"A chunk of metrics has format {version}.{layout}, which this Faena cannot read. "
            "Install the Faena that wrote it, or a newer one."
        )
    if layout == _ROWS:
        rows = np.frombuffer(data, _row(), count, _HEADER.size)
        rest = data[_HEADER.size + count * _row().itemsize :]
        columns = [np.ascontiguousarray(rows[name]) for name in ("time", "step", "bits", "kind")]
        return Points(columns[0], columns[1], columns[2], columns[3], _unpack_payloads(rest))
    reader = _Reader(data, _HEADER.size, count)
    time, step, kind = reader.integers(), reader.integers(), reader.integers().astype(np.uint8)
    bits = reader.values()
    rest = _decompress(data[reader.at :]) if reader.at < len(data) else b""
    return Points(time, step, bits, kind, _unpack_payloads(rest))


@cache
def _row() -> np.dtype[np.void]:
    return np.dtype([("time", "<i8"), ("step", "<i8"), ("bits", "<i8"), ("kind", "u1")])


def decode_numbers(data: bytes, axis: str) -> Points:
    """As `decode`, for a chart: `time` and `step` may be zeros where they are not its `axis`."""
    version, layout, count = _HEADER.unpack_from(data)
    if (version, layout) != (_VERSION, _COLUMNS):
        return decode(data)
    reader = _Reader(data, _HEADER.size, count)
    none = np.zeros(count, np.int64)
    time = reader.integers() if axis == "time" else reader.passed_over(none)
    step = reader.integers() if axis == "step" else reader.passed_over(none)
    kind = reader.integers().astype(np.uint8)
    bits = reader.values()
    rest = _decompress(data[reader.at :]) if reader.at < len(data) else b""
    return Points(time, step, bits, kind, _unpack_payloads(rest))


def are_plain_rows(data: bytes) -> bool:
    """Whether `decode_rows` takes it: points one after the other, as small batches are kept, all of them numbers."""
    version, layout, count = _HEADER.unpack_from(data)
    return (version, layout) == (_VERSION, _ROWS) and len(data) == _HEADER.size + count * _ROW.size


def decode_rows(parts: Sequence[bytes]) -> Points:
    """The points of several that `are_plain_rows`, in their order."""
    rows = np.frombuffer(b"".join([part[_HEADER.size :] for part in parts]), _row())
    time, step, bits, kind = (np.ascontiguousarray(rows[name]) for name in ("time", "step", "bits", "kind"))
    return Points(time, step, bits, kind)


def has_payloads(data: bytes) -> bool:
    """Whether some value is neither a float nor an int; hardly anything is decoded for that."""
    version, layout, count = _HEADER.unpack_from(data)
    if (version, layout) != (_VERSION, _COLUMNS):
        return bool(decode(data).payloads)
    reader = _Reader(data, _HEADER.size, count)
    for _ in ("time", "step"):
        reader.passed_over(np.empty(0, np.int64))
    return bool((reader.integers() == JSON).any())


def compress(data: bytes) -> bytes:
    """One zstd frame, for bytes that are no points: logs."""
    return _compress(data)


def decompress(data: bytes) -> bytes:
    return _decompress(data)


def _integers(values: Int64s) -> bytes:
    """Differences modulo 2^64, so that every int64 survives."""
    unsigned = values.view(np.uint64)
    differences = unsigned[1:] - unsigned[:-1]
    least = int(differences.view(np.int64).min())
    above = differences - np.int64(least).view(np.uint64)
    width = _width(int(above.max()))
    return _INTEGERS.pack(width, int(values[0]), least) + _planes(above, width)


def _values(points: Points) -> bytes:
    if points.kind.any():
        return bytes([_BITS]) + _integers(points.bits)
    values = points.bits.view(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype(np.float32)
        if _same(single.astype(np.float64), values):
            return bytes([_SINGLE]) + _planes(single.view(np.uint32).astype(np.uint64), 4)
        for digits in range(1, _MOST_DIGITS + 1):
            if _same(_from_decimal(_to_decimal(values[:_FEW], digits), digits), values[:_FEW]):
                numerators = _to_decimal(values, digits)
                if _same(_from_decimal(numerators, digits), values):
                    return bytes([_DECIMAL + digits]) + _integers(numerators)
    return bytes([_DOUBLE]) + _planes(values.view(np.uint64), 8)


def _same(first: Float64s, second: Float64s) -> bool:
    """Bit by bit: NaN equals itself, 0.0 is not -0.0."""
    return np.array_equal(first.view(np.int64), second.view(np.int64))


def _to_decimal(values: Float64s, digits: int) -> Int64s:
    return cast("Int64s", np.rint(values * 10.0**digits).astype(np.int64))


def _from_decimal(numerators: Int64s, digits: int) -> Float64s:
    """Correctly rounded, as the value of a decimal literal is."""
    return numerators.astype(np.float64) / 10.0**digits


def _width(largest: int) -> int:
    return (largest.bit_length() + 7) // 8


def _planes(values: npt.NDArray[np.uint64], width: int) -> bytes:
    octets = np.ascontiguousarray(values.view(np.uint8).reshape(-1, 8)[:, :width].T)
    return b"".join(_plane(octets[place].tobytes()) for place in range(width))


def _plane(data: bytes) -> bytes:
    short = _compress(data)
    kept = short if len(short) < len(data) else data
    return len(kept).to_bytes(4, "little") + kept


class _Reader:
    def __init__(self, data: bytes, at: int, count: int) -> None:
        self._data, self.at, self._count = data, at, count

    def integers(self) -> Int64s:
        width, first, least = _INTEGERS.unpack_from(self._data, self.at)
        self.at += _INTEGERS.size
        if width == 0 and least == 0:
            return np.full(self._count, first, np.int64)
        differences = self._planes(width, self._count - 1)
        differences += np.int64(least).view(np.uint64)
        values = np.empty(self._count, np.uint64)
        values[0] = np.int64(first).view(np.uint64)
        np.cumsum(differences, out=values[1:])
        values[1:] += values[0]
        return values.view(np.int64)

    def passed_over(self, instead: Int64s) -> Int64s:
        """An integer column that is not wanted."""
        width = self._data[self.at]
        self.at += _INTEGERS.size
        for _ in range(width):
            self.at += 4 + int.from_bytes(self._data[self.at : self.at + 4], "little")
        return instead

    def values(self) -> Int64s:
        tag = self._byte()
        if tag == _BITS:
            return self.integers()
        if tag == _SINGLE:
            single = self._planes(4, self._count).astype(np.uint32).view(np.float32)
            return single.astype(np.float64).view(np.int64)
        if tag > _DECIMAL:
            return _from_decimal(self.integers(), tag - _DECIMAL).view(np.int64)
        return self._planes(8, self._count).view(np.int64)

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _planes(self, width: int, count: int) -> npt.NDArray[np.uint64]:
        if width == 0:
            return np.zeros(count, np.uint64)
        octets = np.zeros((count, 8), np.uint8)
        for place in range(width):
            size = int.from_bytes(self._data[self.at : self.at + 4], "little")
            start = self.at + 4
            self.at = start + size
            plane = self._data[start : self.at]
            octets[:, place] = np.frombuffer(plane if size == count else _decompress(plane), np.uint8)
        return octets.reshape(-1).view(np.uint64)


def _payloads(payloads: tuple[bytes, ...]) -> bytes:
    if not payloads:
        return b""
    sizes = np.array([len(payload) for payload in payloads], "<u4")
    return len(payloads).to_bytes(8, "little") + sizes.tobytes() + b"".join(payloads)


def _unpack_payloads(data: bytes) -> tuple[bytes, ...]:
    if not data:
        return ()
    count = int.from_bytes(data[:8], "little")
    sizes = np.frombuffer(data, "<u4", count, 8).tolist()
    found, at = [], 8 + 4 * count
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return tuple(found)


# A compressor belongs to one thread at a time, and chunks are read and written on several: one for each call.
def _compress(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(data)


def _decompress(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data)
