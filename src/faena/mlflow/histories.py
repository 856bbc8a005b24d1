"""Metrics of runs over their steps: one after the other in pages, or of several runs with so many steps each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from faena.db import Read
from faena.mlflow import checks, found, paging
from faena.mlflow.errors import MlflowError, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.requests import ById
from faena.mlflow.services import Services
from faena.mlflow.words import millis, number
from faena.tracking import query
from faena.tracking.arrays import np
from faena.tracking.model import Series
from faena.tracking.points import NO_STEP

_MOST = 25_000
_MOST_SAMPLED = 2500
_SAMPLED = 320
_MOST_RUNS = 100


class Point(Struct, gc=False):
    """As it is told: an answer has up to 25,000, which take two thirds of the time and memory of as many dicts."""

    key: str
    value: float | str
    timestamp: int
    step: int


class History(ById):
    metric_key: Annotated[str | None, REQUIRED] = None
    page_token: str | None = None
    max_results: int | None = None


class Bulk(Struct):
    run_id: list[str] = []
    metric_key: str | None = None
    max_results: int | None = None


class Interval(Struct):
    run_ids: list[str] = []
    metric_key: str | None = None
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None


def of_run(services: Services, asked: History) -> Any:
    run_id, name = asked.id, asked.metric_key or ""
    most = min(checks.most(asked.max_results, _MOST, sys.maxsize), _MOST)
    first = paging.start(asked.page_token)

    def work(read: Read) -> dict[str, Any]:
        found.run(read, run_id)
        points = _ordered(read, services, run_id, name)
        stop = first + most
        more = {"next_page_token": paging.token(stop)} if len(points.time) > stop else {}
        return {"metrics": list(_shown(points, name, first, stop)), **more}

    return services.database.read(work)


def of_runs(services: Services, asked: Bulk) -> Any:
    name, most = asked.metric_key, checks.most(min(asked.max_results or _MOST, _MOST), _MOST, _MOST)
    if not asked.run_id:
        raise MlflowError("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > _MOST_RUNS:
        raise MlflowError(
            f"GetMetricHistoryBulk request cannot specify more than {_MOST_RUNS} run_ids. Received {len(asked.run_id)}."
        )
    if not name:
        raise MlflowError("GetMetricHistoryBulk request must specify a metric_key.")

    def work(read: Read) -> dict[str, Any]:
        made: list[dict[str, Any]] = []
        for run_id in sorted(asked.run_id):
            points = _ordered(read, services, run_id, name)
            made += _of_run(run_id, _shown(points, name, 0, most - len(made)))
        return {"metrics": made}

    return services.database.read(work)


def sampled(services: Services, asked: Interval) -> Any:
    """The same steps of all runs, evenly spread over those that any of them has, with each run's first and last."""
    if not asked.run_ids:
        raise missing_value("run_ids")
    if len(asked.run_ids) > _MOST_RUNS:
        raise MlflowError(
            f"GetMetricHistoryBulkInterval request must specify at most {_MOST_RUNS} run_ids. "
            f"Received {len(asked.run_ids)} run_ids."
        )
    if not (name := asked.metric_key):
        raise missing_value("metric_key")
    most = _SAMPLED if asked.max_results is None else asked.max_results
    if not 1 <= most <= _MOST_SAMPLED:
        raise MlflowError(f"max_results must be between 1 and {_MOST_SAMPLED}.")
    start, end = asked.start_step, asked.end_step
    if (start is None) is not (end is None):
        raise MlflowError("If either start step or end step are specified, both must be specified.")
    if start is not None and end is not None and start > end:
        raise MlflowError(
            f"end_step must be greater than start_step. Found start_step={start} and end_step={end}."
        )

    def work(read: Read) -> dict[str, Any]:
        series = {run_id: _ordered(read, services, run_id, name) for run_id in asked.run_ids}
        steps = {run_id: np.where(each.step == NO_STEP, 0, each.step) for run_id, each in series.items()}
        if start is not None:
            within = {run_id: each[(each >= start) & (each <= end)] for run_id, each in steps.items()}
        else:
            within = steps
        chosen = _spread([each.tolist() for each in within.values()], most)
        made: list[dict[str, Any]] = []
        for run_id, points in series.items():
            shown = _shown(points, name, 0, len(points.time))
            in_order = sorted(shown, key=lambda each: (each.step, each.timestamp))
            made += _of_run(run_id, (point for point in in_order if point.step in chosen))
        return {"metrics": made}

    return services.database.read(work)


def _spread(steps: Sequence[Sequence[int]], most: int) -> set[int]:
    """So many of all steps, evenly, and the first and last of each run."""
    every = sorted({step for each in steps for step in each})
    if len(every) <= most:
        return set(every)
    chosen = {every[int(place * len(every) / most)] for place in range(most)}
    for each in steps:
        if each:
            chosen |= {min(each), max(each)}
    return chosen


def _ordered(read: Read, services: Services, run_id: str, name: str) -> Series:
    """By time, then step, then value."""
    points = query.numbers_of(read, services.files, run_id, name)
    if points is None:
        none = np.empty(0, np.int64)
        return Series(none, none, np.empty(0, np.float64), np.empty(0, np.bool_))
    order = np.lexsort((points.value, points.step, points.time))
    return Series(points.time[order], points.step[order], points.value[order], points.integer[order])


def _shown(points: Series, name: str, first: int, stop: int) -> Iterator[Point]:
    parts = (column[first:stop].tolist() for column in (points.time, points.step, points.value))
    for time, step, value in zip(*parts, strict=True):
        yield Point(name, number(value), millis(time), 0 if step == NO_STEP else step)


def _of_run(run_id: str, points: Iterable[Point]) -> Iterator[dict[str, Any]]:
    return ({**msgspec.structs.asdict(each), "run_id": run_id} for each in points)
