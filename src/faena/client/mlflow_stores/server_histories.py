"""The whole history of a metric, asked of a server page after page."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct

from faena.client.mlflow_stores import numbers
from faena.client.mlflow_stores.found import StoreDamaged
from faena.client.mlflow_stores.requests import Requests
from faena.mlflow.moving.schemas import Points

_HISTORY = "/api/2.0/mlflow/metrics/get-history"
_PAGE = 25_000


class _Point(Struct):
    value: float | str | None = None
    timestamp: int | str = 0
    step: int | str = 0


class _Page(Struct):
    metrics: list[_Point] = []
    next_page_token: str | None = None


_decode = msgspec.json.Decoder(_Page).decode


def history(requests: Requests, run_id: str, key: str) -> Points:
    """Raises StoreDamaged for what is no history."""
    found: list[_Point] = []
    token: str | None = None
    while True:
        asked: dict[str, Any] = {"run_id": run_id, "metric_key": key, "max_results": _PAGE}
        page = _read(requests.get(_HISTORY, {**asked, **({"page_token": token} if token else {})}))
        found += page.metrics
        if not (token := page.next_page_token):
            break
    try:
        times = [int(point.timestamp) for point in found]
        values = [float("nan") if point.value is None else float(point.value) for point in found]
        return numbers.packed(times, values, [int(point.step) for point in found])
    except (ValueError, OverflowError) as error:
        raise StoreDamaged(f"its metric {key[:80]!r} holds what is no number: {error}.") from error


def _read(data: bytes) -> _Page:
    try:
        return _decode(data)
    except msgspec.DecodeError:
        pass
    try:
        return msgspec.convert(
            json.loads(data), _Page
        )  # NaN as MLflow's server writes it, which JSON has not
    except (ValueError, msgspec.ValidationError) as error:
        raise StoreDamaged(f"what came as a history is none: {error}.") from error
