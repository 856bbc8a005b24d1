"""Metrics whose value is a file of the run: images, confusion matrices and their kin, in v1's schemas."""

from __future__ import annotations

import json
import time

from faena.script import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEYS = {
    "confusion_matrix": ("class_labels", "matrix"),
    "accuracy_table": (
        "probability_tables",
        "percentile_tables",
        "probability_thresholds",
        "percentile_thresholds",
        "class_labels",
    ),
    "residuals": ("bin_edges", "bin_counts"),
    "predictions": ("bin_averages", "bin_errors", "bin_counts", "bin_edges"),
}
"""What the `data` of each kind holds: lists."""

_stamps: dict[str, int] = {}


def address(run_id: str, file_name: str) -> str:
    """What `get_metrics` shows for a metric that is a file of the run; v1's form."""
    return "aml://artifactId/ExperimentRun/dcid.{}/{}".format(run_id, file_name)


def stamped(name: str, ending: str = "") -> str:
    """`NAME_<epoch><ending>`, the second raised where this process gave it away before."""
    second = max(int(time.time()), _stamps.get(name, 0) + 1)
    _stamps[name] = second
    return "{}_{}{}".format(name, second, ending)


def check_image(name: str, path: Any, plot: Any) -> None:
    """Raises UserErrorException unless exactly one of `path` and `plot`, a figure or pyplot, is given."""
    if (path is None) == (plot is None):
        given = "both" if path is not None else "neither"
        raise values.refuse("log_image({!r}) takes either path or plot; {} was given.".format(name, given))
    if plot is not None and not callable(getattr(plot, "savefig", None)):
        raise values.refuse(
            "log_image({!r}) got a plot of type {}, which has no savefig. Give matplotlib's pyplot or a "
            "figure.".format(name, type(plot).__name__)
        )


def encoded(kind: str, name: str, value: Any) -> bytes:
    """`value`, a dict or its JSON, checked and as JSON.

    Raises UserErrorException unless it holds `schema_type` (the kind), `schema_version` and `data` with its lists.
    """
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise _refused(kind, name, "it is no JSON: {}".format(error)) from None
    if not isinstance(value, dict):
        raise _refused(kind, name, "it is a {}".format(type(value).__name__))
    missing = [key for key in ("schema_type", "schema_version", "data") if key not in value]
    if missing:
        raise _refused(kind, name, "it has no {}".format(", ".join(missing)))
    if value["schema_type"] != kind:
        raise _refused(kind, name, "its schema_type is {!r}".format(value["schema_type"]))
    if not isinstance(value["schema_version"], str) or not value["schema_version"]:
        raise _refused(kind, name, "its schema_version is {!r}; use 'v1'".format(value["schema_version"]))
    data = value["data"]
    if not isinstance(data, dict):
        raise _refused(kind, name, "its data is a {}".format(type(data).__name__))
    for key in KEYS[kind]:
        if not isinstance(_plain(data.get(key)), list):
            raise _refused(kind, name, "its data has no list {!r}".format(key))
    if kind == "confusion_matrix":
        _check_matrix(name, data)
    try:
        return json.dumps(value, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(kind, name, str(error)) from None


def _check_matrix(name: str, data: dict[str, Any]) -> None:
    labels, matrix = _plain(data["class_labels"]), _plain(data["matrix"])
    rows = [_plain(row) for row in matrix]
    if len(rows) != len(labels) or any(not isinstance(row, list) or len(row) != len(labels) for row in rows):
        reason = "its matrix has not one row and one column for each of the {} class_labels".format(
            len(labels)
        )
        raise _refused("confusion_matrix", name, reason)


def _plain(value: Any) -> Any:
    """numpy's arrays and scalars as Python's own; anything else as it is, for `json` to take or refuse."""
    for method in ("tolist", "item"):
        convert = getattr(value, method, None)
        if convert is not None:
            return convert()
    if isinstance(value, tuple):
        return list(value)
    if value is not None and not isinstance(value, (list, dict, str, int, float)):
        raise TypeError("it holds a {}, which JSON cannot".format(type(value).__name__))
    return value


def _refused(kind: str, name: str, reason: str) -> Exception:
    return values.refuse(
        "log_{}({!r}) cannot take this value: {}. Give a dict, or its JSON, such as {{'schema_type': {!r}, "
        "'schema_version': 'v1', 'data': {{{}}}}}.".format(
            kind, name, reason, kind, ", ".join("{!r}: [...]".format(key) for key in KEYS[kind])
        )
    )
