"""Traces as they go over the wire."""

from __future__ import annotations

from collections.abc import Sequence

from faena.db import Read
from faena.traces import store
from faena.traces.conventions import NAME
from faena.traces.model import Assessment, Span, Trace
from faena.traces.schemas import AssessmentView, SpanView, TraceView
from faena.traces.tree import Placed
from faena.workspaces import store as workspaces

_UNTOLD = "UNKNOWN"
"""What MLflow's clients call a kind that nobody named."""


def of_many(read: Read, traces: Sequence[Trace]) -> list[TraceView]:
    names = {number: _experiment(read, number) for number in {trace.experiment_id for trace in traces}}
    runs = store.linked_runs(read, [trace.id for trace in traces])
    return [_view(trace, names[trace.experiment_id], runs.get(trace.id, [])) for trace in traces]


def of_one(read: Read, trace: Trace) -> TraceView:
    return of_many(read, [trace])[0]


def _view(trace: Trace, experiment: str, runs: list[str]) -> TraceView:
    return TraceView(
        id=trace.id,
        name=trace.tags.get(NAME, ""),
        experiment=experiment,
        run_id=trace.run_id,
        status=trace.status.value,
        began_at=trace.began_at,
        ended_at=trace.ended_at,
        tags=trace.tags,
        metadata=trace.metadata,
        request=trace.request,
        response=trace.response,
        client_request_id=trace.client_request_id,
        assessments=[assessment(each) for each in trace.assessments],
        runs=runs,
    )


def assessment(given: Assessment) -> AssessmentView:
    return AssessmentView(
        id=given.id,
        name=given.name,
        kind=given.kind.value,
        value=given.value,
        created_at=given.created_at,
        changed_at=given.changed_at,
        error=given.error,
        rationale=given.rationale,
        source_kind=given.source_kind,
        source_id=given.source_id,
        span_id=given.span_id,
        metadata=given.metadata,
        is_valid=given.is_valid,
    )


def kind(of: Span) -> str:
    """Empty where nobody named one."""
    return "" if of.kind == _UNTOLD else of.kind


def span(given: Placed) -> SpanView:
    told = given.span
    return SpanView(
        id=told.id,
        parent_id=told.parent_id,
        name=told.name,
        kind=kind(told),
        status=told.status.value,
        began_ns=told.began_ns,
        ended_ns=told.ended_ns,
        depth=given.depth,
        children=given.children,
    )


def _experiment(read: Read, number: int) -> str:
    """Its name; its number where it is not there any more."""
    found = workspaces.experiment_by_id(read, number)
    return str(number) if found is None else found.name
