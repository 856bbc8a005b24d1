"""Spans that come by themselves, perhaps before anybody told of their trace, or long after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from faena.db import Write
from faena.traces import service, span_store, store
from faena.traces.model import Span, SpanStatus, Trace, TraceStatus


class Facts(Struct):
    """What the spans of a trace say of it as a whole."""

    tags: dict[str, str] = field(default_factory=dict)
    new_tags: dict[str, str] = field(default_factory=dict)
    """Where it has none of these keys."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Likewise."""
    request: str | None = None
    response: str | None = None


def add_spans(
    write: Write,
    spans: Sequence[Span],
    facts: Mapping[str, Facts],
    experiment_id: int,
    run_id: str | None = None,
) -> None:
    """Keep spans, and let each trace's times, status and facts follow them as far as nobody told of it as a whole.

    `facts`: by the id of a trace. `experiment_id`, `run_id`: what a trace that nobody knows yet is of.
    """
    of_trace: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        of_trace[span.trace_id].append(span)
    known = {trace.id: trace for trace in service.get_each(write, list(of_trace))}
    for trace_id, mine in sorted(of_trace.items()):
        told = facts.get(trace_id) or Facts()
        if (trace := known.get(trace_id)) is None:
            store.add(write, _begun(trace_id, mine, told, experiment_id, run_id))
        else:
            store.change(write, trace_id, _changes(trace, mine, told))
            store.set_labels(write, trace_id, store.METADATA, _missing(told.metadata, trace.metadata))
            store.set_labels(write, trace_id, store.TAG, _missing(told.new_tags, trace.tags) | told.tags)
    span_store.put(write, spans)


def _begun(
    trace_id: str, spans: Sequence[Span], told: Facts, experiment_id: int, run_id: str | None
) -> Trace:
    return Trace(
        id=trace_id,
        experiment_id=experiment_id,
        run_id=run_id,
        began_at=_began(spans),
        ended_at=_ended(spans),
        status=_status(spans) or TraceStatus.IN_PROGRESS,
        tags=told.new_tags | told.tags,
        metadata=told.metadata,
        request=told.request,
        response=told.response,
    )


def _changes(trace: Trace, spans: Sequence[Span], told: Facts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("request", "response"):
        if getattr(trace, name) is None and (value := getattr(told, name)) is not None:
            found[name] = value
    if trace.is_whole:
        return found
    found["began_at"] = min(trace.began_at, _began(spans))
    ends = [each for each in (trace.ended_at, _ended(spans)) if each is not None]
    found["ended_at"] = max(ends, default=None)
    if trace.status is TraceStatus.IN_PROGRESS and (status := _status(spans)) is not None:
        found["status"] = status.value
    return found


def _missing(given: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in given.items() if key not in there}


def _began(spans: Sequence[Span]) -> int:
    return min(span.began_ns for span in spans) // 1000


def _ended(spans: Sequence[Span]) -> int | None:
    return max((span.ended_ns // 1000 for span in spans if span.ended_ns is not None), default=None)


def _status(spans: Sequence[Span]) -> TraceStatus | None:
    """None: the span that is the whole of it is not among them."""
    whole = next((span for span in spans if span.parent_id is None), None)
    if whole is None:
        return None
    return TraceStatus.FAILED if whole.status is SpanStatus.FAILED else TraceStatus.OK
