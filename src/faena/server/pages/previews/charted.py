"""Confusion matrices, accuracy tables, residuals and predictions, in v1's schemas, as they are drawn. No I/O."""

from __future__ import annotations

import itertools
import json
from typing import Any

from msgspec import Struct, structs

from faena.server.pages.previews import plots
from faena.server.pages.previews.tables import cut
from faena.server.pages.words import number

LARGEST = 4 << 20
"""Bytes of a file that is looked at."""
_MOST_IN_FIGURES = 24
"""Classes of a matrix whose counts are written; of more they are colours."""
_MOST_CLASSES = 150
_MOST_CURVES = 8
_HEATS = 9


class HeatCell(Struct, frozen=True):
    text: str
    heat: int


class Matrix(Struct, frozen=True):
    """Rows are what is true, columns what was predicted. Either `rows` or `paths`, one for each heat."""

    labels: tuple[str, ...]
    rows: list[tuple[str, list[HeatCell]]]
    paths: tuple[tuple[int, str], ...]
    size: int
    """Classes that are drawn."""
    all: int
    accuracy: str


class Charted(Struct, frozen=True):
    kind: str
    plots: tuple[plots.Plot, ...] = ()
    matrix: Matrix | None = None


def read(data: bytes) -> Charted | None:
    """None for what is no chart of v1's schemas, or holds nothing that can be drawn."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        return None
    kind, given = found.get("schema_type"), found["data"]
    if kind == "confusion_matrix":
        matrix = _matrix(given)
        return None if matrix is None else Charted("Confusion matrix", matrix=matrix)
    if kind == "accuracy_table":
        return _charted("Accuracy table", *_accuracy(given))
    if kind == "residuals":
        return _charted(
            "Residuals",
            plots.bar_plot(
                "", "residual", plots.numbers(given.get("bin_edges")), plots.numbers(given.get("bin_counts"))
            ),
        )
    if kind == "predictions":
        return _charted("Predictions", *_predictions(given))
    return None


def _charted(kind: str, *found: plots.Plot | None) -> Charted | None:
    drawn = tuple(each for each in found if each is not None)
    return Charted(kind, drawn) if drawn else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _matrix(given: dict[str, Any]) -> Matrix | None:
    labels, rows = _list(given.get("class_labels")), _list(given.get("matrix"))
    counts = [plots.numbers(row)[:_MOST_CLASSES] for row in rows[:_MOST_CLASSES]]
    size = len(counts)
    if not size:
        return None
    names = tuple(cut(str(each), 40) for each in labels[:size])
    names += tuple(str(place) for place in range(len(names), size))
    inside = [abs(each) for row in counts for each in row if each is not None]
    right = sum(row[place] or 0 for place, row in enumerate(counts) if place < len(row))
    total = sum(inside)
    accuracy = f"{right / total:.1%} on the diagonal" if total > 0 and size == len(rows) else ""
    if size <= _MOST_IN_FIGURES:
        shown = [(name, _heated(row[:size])) for name, row in zip(names, counts, strict=True)]
        return Matrix(names, shown, (), size, len(rows), accuracy)
    paths: dict[int, list[str]] = {}
    for down, row in enumerate(counts):
        for across, each in enumerate(_heated(row[:size])):
            if each.heat:
                paths.setdefault(each.heat, []).append(f"M{across} {down}h1v1h-1z")
    drawn = tuple((heat, "".join(parts)) for heat, parts in sorted(paths.items()))
    return Matrix(names, [], drawn, size, len(rows), accuracy)


def _heated(row: list[plots.Number]) -> list[HeatCell]:
    """By its share of the row: classes are seldom equally frequent."""
    total = sum(abs(each) for each in row if each is not None)
    return [
        HeatCell(
            "" if each is None else number(each),
            0 if each is None or not total else min(_HEATS, -int(-_HEATS * abs(each) / total // 1)),
        )
        for each in row
    ]


def _accuracy(given: dict[str, Any]) -> list[plots.Plot | None]:
    """Curves of each class by its counts (true and false positives, true and false negatives) at each threshold."""
    labels, tables = _list(given.get("class_labels")), _list(given.get("probability_tables"))
    ways: list[tuple[str, list[plots.Point]]] = []
    precisions: list[tuple[str, list[plots.Point]]] = []
    for place, table in enumerate(tables[:_MOST_CURVES]):
        name = cut(str(labels[place]), 40) if place < len(labels) else str(place)
        counts = [plots.numbers(each) for each in _list(table)]
        found = [tuple(each or 0.0 for each in row) for row in counts if len(row) == 4]
        rates = [(fp / (fp + tn), tp / (tp + fn)) for tp, fp, tn, fn in found if fp + tn > 0 and tp + fn > 0]
        ways.append((name, sorted(rates)))
        precise = [(tp / (tp + fn), tp / (tp + fp)) for tp, fp, _, fn in found if tp + fn > 0 and tp + fp > 0]
        precisions.append((name, sorted(precise, key=lambda point: (point[0], -point[1]))))
    unit = plots.Frame(0, 1, 0, 1)
    return [
        plots.line_plot("ROC", "false positive rate", "true positive rate", ways, unit),
        plots.line_plot("Precision and recall", "recall", "precision", precisions, unit),
    ]


def _predictions(given: dict[str, Any]) -> list[plots.Plot | None]:
    edges = plots.numbers(given.get("bin_edges"))
    averages = plots.numbers(given.get("bin_averages"))
    middles = [
        (left + right) / 2 if left is not None and right is not None else None
        for left, right in itertools.pairwise(edges)
    ]
    both = zip(middles, averages, plots.numbers(given.get("bin_errors")), strict=False)
    kept = [(x, y, error) for x, y, error in both if x is not None and y is not None]
    if not kept:
        return []
    points = [(x, y) for x, y, _ in kept]
    spread = [y + sign * abs(error or 0) for _, y, error in kept for sign in (-1, 1)]
    across = [x for x, _ in points]
    frame = plots.framed(across, spread + across)
    ideal = [(min(across), min(across)), (max(across), max(across))]
    lines = [("predicted, on average", points), ("ideal", ideal)]
    drawn = plots.line_plot("", "true value", "predicted value", lines, frame)
    if drawn is not None:
        drawn = structs.replace(drawn, errors=plots.error_marks(frame, points, [error for *_, error in kept]))
    counts = plots.numbers(given.get("bin_counts"))
    return [drawn, plots.bar_plot("How many", "true value", edges, counts)]
