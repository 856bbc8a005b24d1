"""Points of a metric as they are sent: three arrays of numbers of 64 bits."""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterable

from faena.mlflow.moving.schemas import Points

_LINES = re.compile(rb"(?:-?\d++ \S++ -?\d++\r?\n)*+")
"""What MLflow has written since steps exist, and nothing else: then it need not be looked at line by line."""
_LEAST, _GREATEST = -(2**63), 2**63 - 1


def packed(times: Iterable[int], values: Iterable[float], steps: Iterable[int]) -> Points:
    """Raises OverflowError for a number beyond 64 bits."""
    arrays = array("q", times), array("q", steps), array("d", values)
    if sys.byteorder == "big":
        for each in arrays:
            each.byteswap()
    return Points(len(arrays[0]), arrays[0].tobytes(), arrays[1].tobytes(), arrays[2].tobytes())


def of_lines(data: bytes) -> tuple[Points, int]:
    """Of a metric's file in a store: a line a point, `time value [step [data set, digest]]`; how many are no points."""
    if _LINES.fullmatch(data):
        words = data.split()
        try:
            return packed(map(int, words[0::3]), map(float, words[1::3]), map(int, words[2::3])), 0
        except (ValueError, OverflowError):
            pass
    times: list[int] = []
    values: list[float] = []
    steps: list[int] = []
    bad = 0
    for line in data.splitlines():
        words = line.split()
        try:
            if len(words) not in (2, 3, 5):
                raise ValueError(len(words))
            row = int(words[0]), float(words[1]), int(words[2]) if len(words) > 2 else 0
            if not (_LEAST <= row[0] <= _GREATEST and _LEAST < row[2] <= _GREATEST):
                raise ValueError(row)
        except ValueError:
            bad += bool(words)
            continue
        times.append(row[0])
        values.append(row[1])
        steps.append(row[2])
    return packed(times, values, steps), bad
