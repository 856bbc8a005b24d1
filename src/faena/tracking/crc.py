"""CRC-32 of many payloads of one length at once.

CRC is linear over XOR: that of a payload is the CRC of zeros, XOR what each byte in its place adds. 28 look-ups for
a whole array cost a quarter of a call of `zlib.crc32` for each payload.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

from faena.tracking.arrays import np

if TYPE_CHECKING:
    import numpy.typing as npt


_BLOCK = 8192
"""Payloads at a time, so that intermediate arrays stay in the cache."""


def crc32_each(payloads: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint32]:
    """CRC-32 of each row of `payloads` (n, length), continuing from the CRC `seed` of what stands before."""
    count, length = payloads.shape
    found = np.full(count, crc32(bytes(length), seed), np.uint32)
    tables = _tables(length)
    for start in range(0, count, _BLOCK):
        block = found[start : start + _BLOCK]
        places = np.ascontiguousarray(payloads[start : start + _BLOCK].T).astype(np.intp)
        for table, octets in zip(tables, places, strict=True):
            block ^= table.take(octets)
    return found


@cache
def _tables(length: int) -> npt.NDArray[np.uint32]:
    """(length, 256): what each value of the byte in each place adds."""
    zeros = crc32(bytes(length))
    tables = np.zeros((length, 256), np.uint32)
    for place in range(length):
        for bit in range(8):
            one = bytearray(length)
            one[place] = 1 << bit
            added = np.uint32(crc32(one) ^ zeros)
            tables[place, 1 << bit : 2 << bit] = tables[place, : 1 << bit] ^ added
    return tables
