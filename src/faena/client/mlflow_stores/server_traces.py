"""Traces that a server tells of, by the second or the third version of MLflow's protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from faena.client.mlflow_stores.folder_traces import LOCATION, SOURCE_RUN, duration, milliseconds
from faena.client.mlflow_stores.pages import pages, pairs
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.requests import Refused, Requests
from faena.mlflow.moving.schemas import TraceGiven

_PAGE = 500
_SPANS_LOCATION, _STORED = "mlflow.trace.spansLocation", "TRACKING_STORE"
_ONE = "/api/3.0/mlflow/traces/get"
_THIRD = "/api/3.0/mlflow/traces/search"


def read(requests: Requests, experiments: Sequence[str]) -> Iterator[tuple[TraceGiven, str]]:
    """Each with the address of its files. A server that knows no traces has none."""
    for experiment in experiments:
        try:
            yield from _third(requests, experiment)
        except Refused:
            try:
                yield from _second(requests, experiment)
            except Refused:
                return


def _second(requests: Requests, experiment: str) -> Iterator[tuple[TraceGiven, str]]:
    asked = {"experiment_ids": experiment, "max_results": _PAGE}
    for told in pages(requests, "traces", asked, "traces", get=True):
        tags, metadata = pairs(told.get("tags")), pairs(told.get("request_metadata"))
        yield (
            TraceGiven(
                id=word(told.get("request_id")),
                experiment=word(told.get("experiment_id")),
                began_ms=number(told.get("timestamp_ms")) or 0,
                took_ms=number(told.get("execution_time_ms")),
                status=word(told.get("status")),
                run_id=metadata.get(SOURCE_RUN),
                tags=tags,
                metadata=metadata,
            ),
            tags.get(LOCATION, ""),
        )


def _third(requests: Requests, experiment: str) -> Iterator[tuple[TraceGiven, str]]:
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    token = ""
    while True:
        asked: dict[str, Any] = {"locations": [location], "max_results": _PAGE}
        answer = msgspec.json.decode(
            requests.post(_THIRD, {**asked, **({"page_token": token} if token else {})})
        )
        for told in answer.get("traces") or ():
            tags, metadata = dict(told.get("tags") or {}), dict(told.get("trace_metadata") or {})
            yield (
                TraceGiven(
                    id=word(told.get("trace_id")),
                    experiment=experiment,
                    began_ms=milliseconds(told.get("request_time")) or 0,
                    took_ms=duration(told.get("execution_duration")),
                    status=word(told.get("state")),
                    run_id=metadata.get(SOURCE_RUN),
                    tags=tags,
                    metadata=metadata,
                    request=told.get("request_preview"),
                    response=told.get("response_preview"),
                    client_request_id=told.get("client_request_id"),
                    told_spans=_spans(requests, word(told.get("trace_id")), tags),
                    assessments=list(told.get("assessments") or ()),
                ),
                word(tags.get(LOCATION)),
            )
        if not (token := word(answer.get("next_page_token"))):
            return


def _spans(requests: Requests, trace_id: str, tags: dict[str, str]) -> list[str]:
    """Those that the server keeps by themselves; those of others are a file."""
    if tags.get(_SPANS_LOCATION) != _STORED:
        return []
    found = msgspec.json.decode(requests.get(_ONE, {"trace_id": trace_id}))
    return [msgspec.json.encode(span).decode() for span in (found.get("trace") or {}).get("spans") or ()]
