"""The shapes in which v1's `get_metrics` gives back what was logged.

A value logged once is that value, several are a list; lists are joined, and a list of one is its value. Rows are
columns: of values when one row was logged, else of lists. Tables are columns of lists, joined. A name that was
logged as values and as rows has its values in a column of its own name; a row without some column has None there.
"""

from __future__ import annotations

import json
from typing import Any

from faena.tracking.arrays import np
from faena.tracking.points import FLOAT, INT, Points


def shape(name: str, points: Points) -> Any:
    """Of at least one point, in the order given. Ints stay ints, NaN and infinities stay themselves."""
    if not points.payloads:
        return _unwrapped(_numbers(points))
    records = [json.loads(payload) for payload in points.payloads]
    if any("columns" in record for record in records):
        return _columns(name, points, records)
    values: list[Any] = []
    for place, record in _each(points, records):
        if record is None:
            values.append(_number(points, place))
        elif record["op"] == "list":
            values.extend(record["values"])
        else:
            values.append(record["value"])
    return _unwrapped(values)


def shape_of_many(points: Points) -> list[Any]:
    """Values of points that are all numbers."""
    return _numbers(points)


def _columns(name: str, points: Points, records: list[dict[str, Any]]) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {}
    rows = 0
    for place, record in _each(points, records):
        block = _block(name, points, place, record)
        height = max((len(values) for values in block.values()), default=0)
        for column in block:
            columns.setdefault(column, [None] * rows)
        for column, values in columns.items():
            given = block.get(column, [])
            values.extend(given)
            values.extend([None] * (height - len(given)))
        rows += height
    if len(points) == 1 and records[0]["op"] == "row":
        return {column: values[0] for column, values in columns.items()}
    return columns


def _block(name: str, points: Points, place: int, record: dict[str, Any] | None) -> dict[str, list[Any]]:
    if record is None:
        return {name: [_number(points, place)]}
    if record["op"] == "table":
        return dict(record["columns"])
    if record["op"] == "row":
        return {column: [value] for column, value in record["columns"].items()}
    return {name: record["values"] if record["op"] == "list" else [record["value"]]}


def _each(points: Points, records: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any] | None]]:
    numbers = ((points.kind == FLOAT) | (points.kind == INT)).tolist()
    bits = points.bits.tolist()
    return [(place, None if number else records[bits[place]]) for place, number in enumerate(numbers)]


def _numbers(points: Points) -> list[Any]:
    floats: list[Any] = points.bits.view(np.float64).tolist()
    for place in np.flatnonzero(points.kind == INT).tolist():
        floats[place] = int(points.bits[place])
    return floats


def _number(points: Points, place: int) -> int | float:
    if points.kind[place] == INT:
        return int(points.bits[place])
    return float(points.bits[place : place + 1].view(np.float64)[0])


def _unwrapped(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
