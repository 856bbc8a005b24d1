"""The frames of a spool, and those of single numbers as arrays: 40 bytes each, almost all that there are."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

from faena.tracking.arrays import np
from faena.tracking.crc import crc32_each
from faena.tracking.points import INT, Points

if TYPE_CHECKING:
    import numpy.typing as npt

MAGIC = b"\xfa\xe1"
HEADER = struct.Struct("<2sBBII")
NUMBER = struct.Struct("<qqqI")
NUMBER_SIZE = HEADER.size + NUMBER.size
NAME, FLOAT_KIND, INT_KIND, EVENT, HELLO, END = 1, 2, 3, 4, 5, 6
"""Kinds of frames."""

_FLOAT_HEAD = MAGIC + bytes([FLOAT_KIND, 0]) + NUMBER.size.to_bytes(4, "little")
_INT_HEAD = MAGIC + bytes([INT_KIND, 0]) + NUMBER.size.to_bytes(4, "little")
HEADS = (_FLOAT_HEAD, _INT_HEAD)
_SEEDS = (crc32(_FLOAT_HEAD), crc32(_INT_HEAD))
_INT_DIFFERS = crc32(bytes(NUMBER.size), _SEEDS[0]) ^ crc32(bytes(NUMBER.size), _SEEDS[1])
"""What the CRC of an INT frame is XORed with, against a FLOAT frame of the same payload."""


def number_frames(points: Points, number: int) -> bytes:
    """Points without payloads as frames of the metric whose id is `number`."""
    frames = np.empty(len(points), number_frame())
    integer = points.kind == INT
    heads = [int.from_bytes(head, "little") for head in (_INT_HEAD, _FLOAT_HEAD)]
    frames["head"] = np.where(integer, np.uint64(heads[0]), np.uint64(heads[1]))
    frames["time"], frames["step"], frames["bits"] = points.time, points.step, points.bits
    frames["id"] = number
    octets = frames.view(np.uint8).reshape(-1, NUMBER_SIZE)
    frames["crc"] = crc32_each(octets[:, HEADER.size :], _SEEDS[0])
    frames["crc"] ^= _differences(integer)
    return frames.tobytes()


def are_whole(frames: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Which of them are frames of numbers as they were written."""
    integer = frames["head"] == int.from_bytes(_INT_HEAD, "little")
    head = integer | (frames["head"] == int.from_bytes(_FLOAT_HEAD, "little"))
    octets = frames.view(np.uint8).reshape(-1, NUMBER_SIZE)
    found = crc32_each(octets[:, HEADER.size :], _SEEDS[0])
    found ^= _differences(integer)
    good: npt.NDArray[np.bool_] = head & (found == frames["crc"])
    return good


def _differences(integer: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    return np.where(integer, np.uint32(_INT_DIFFERS), np.uint32(0))


@cache
def number_frame() -> np.dtype[np.void]:
    """What a frame of a number looks like to numpy."""
    return np.dtype(
        [("head", "<u8"), ("crc", "<u4"), ("time", "<i8"), ("step", "<i8"), ("bits", "<i8"), ("id", "<u4")]
    )
