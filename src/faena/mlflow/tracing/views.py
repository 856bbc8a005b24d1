"""Traces as the third version of MLflow's protocol shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from faena.mlflow.filters.traces import WORDS
from faena.mlflow.tracing import times
from faena.mlflow.words import SPANS_LOCATION, STORED_HERE, without_empty
from faena.traces.model import Assessment, Span, Trace, Verdict


def info(trace: Trace) -> dict[str, Any]:
    """A trace without its spans."""
    took = None if trace.ended_at is None else max(0, trace.ended_at - trace.began_at)
    return without_empty(
        {
            "trace_id": trace.id,
            "client_request_id": trace.client_request_id,
            "trace_location": {
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": {"experiment_id": str(trace.experiment_id)},
            },
            "request_preview": trace.request,
            "response_preview": trace.response,
            "request_time": times.shown(trace.began_at),
            "execution_duration": None if took is None else times.length_shown(took),
            "state": WORDS[trace.status],
            "trace_metadata": trace.metadata,
            "assessments": [assessment(each) for each in trace.assessments],
            "tags": trace.tags,
        }
    )


def whole(trace: Trace, spans: Iterable[Span]) -> dict[str, Any]:
    return {"trace_info": info(trace), "spans": [msgspec.Raw(span.told.encode()) for span in spans]}


def spans_are_here(trace: Trace) -> bool:
    """Whether its spans came by themselves; else they are a file, which clients fetch."""
    return trace.tags.get(SPANS_LOCATION) == STORED_HERE


def assessment(given: Assessment) -> dict[str, Any]:
    return without_empty(
        {
            "assessment_id": given.id,
            "assessment_name": given.name,
            "trace_id": given.trace_id,
            "span_id": given.span_id,
            "source": {"source_type": given.source_kind, "source_id": given.source_id},
            "create_time": times.shown(given.created_at),
            "last_update_time": times.shown(given.changed_at),
            given.kind.value: _value(given),
            "rationale": given.rationale,
            "metadata": given.metadata,
            "overrides": given.overrides,
            "valid": given.is_valid,
        }
    )


def _value(given: Assessment) -> dict[str, Any]:
    match given.kind:
        case Verdict.ISSUE:
            return {"issue_name": given.value}
        case Verdict.EXPECTATION if isinstance(given.value, dict | list):
            text = msgspec.json.encode(given.value).decode()
            return {"serialized_value": {"value": text, "serialization_format": "JSON_FORMAT"}}
        case Verdict.FEEDBACK if given.error is not None:
            return {"value": given.value, "error": given.error}
    return {"value": given.value}
