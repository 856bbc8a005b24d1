"""Metrics of a run as they are sent: arrays of numbers, or an object that holds them."""

from __future__ import annotations

from collections.abc import Mapping

from faena.db import Read
from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import FLOAT_BYTES
from faena.mlflow.moving.schemas import Points as Sent
from faena.objects.contract import ObjectFiles
from faena.runs import service
from faena.tracking import query, whole_histories
from faena.tracking.arrays import np
from faena.tracking.points import NO_STEP, Points

_LATEST_MS = 2**63 // 1000 - 1
_MOST_POINTS = 200_000_000


def read(objects: ObjectFiles, sent: Mapping[str, Sent]) -> tuple[dict[str, Points], list[str]]:
    """Points by metric in the order in which they are kept, and what is said of those that cannot be.

    Raises UserErrorException for what is not what it says.
    """
    found: dict[str, Points] = {}
    notes: list[str] = []
    for name, each in sent.items():
        times, steps, values = _arrays(objects, name, each)
        kept = (times >= 0) & (times <= _LATEST_MS)
        if not kept.all():
            notes.append(
                f"{len(times) - int(kept.sum())} points of the metric {name[:80]!r} are of no time that can be kept"
            )
            times, steps, values = times[kept], steps[kept], values[kept]
        if len(times):
            found[name] = whole_histories.ordered(times * 1000, steps, values)
    return found, notes


def told(read_: Read, objects: ObjectFiles, run_id: str) -> dict[str, Sent]:
    """All metrics of a run that are numbers, in MLflow's order: by time, step, value."""
    service.get(read_, run_id)
    found: dict[str, Sent] = {}
    for name in query.number_names(read_, run_id):
        series = query.numbers_of(read_, objects, run_id, name)
        if series is None or not len(series.time):
            continue
        steps = np.where(series.step == NO_STEP, 0, series.step)
        points = whole_histories.ordered(series.time // 1000, steps, series.value)
        arrays = (points.time, points.step, points.bits)
        times_ms, at_steps, values = (np.ascontiguousarray(each, "<i8").tobytes() for each in arrays)
        found[name] = Sent(len(points), times_ms, at_steps, values)
    return found


def _arrays(objects: ObjectFiles, name: str, sent: Sent):  # type: ignore[no-untyped-def]  # three arrays
    size = sent.count * FLOAT_BYTES
    if not 0 <= sent.count <= _MOST_POINTS:
        raise UserErrorException(f"The metric {name[:80]!r} has {sent.count:,} points. Send what can be.")
    if sent.object is None:
        parts = [sent.times_ms, sent.steps, sent.values]
    else:
        with objects.open(sent.object) as file:
            data = file.read(3 * size + 1)
        parts = [data[:size], data[size : 2 * size], data[2 * size :]]
    if any(len(part) != size for part in parts):
        raise UserErrorException(
            f"The points of the metric {name[:80]!r} are not {sent.count:,}. Send them whole."
        )
    return (
        np.frombuffer(parts[0], "<i8").astype(np.int64),
        np.frombuffer(parts[1], "<i8").astype(np.int64),
        np.frombuffer(parts[2], "<f8").astype(np.float64),
    )
