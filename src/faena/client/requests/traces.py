"""Typed requests about traces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport, segment
from faena.traces.schemas import (
    AssessmentGiven,
    AssessmentView,
    SpanPage,
    SpanView,
    TraceChange,
    TracePage,
    TraceView,
    WholeSpan,
)

_PAGE = 500
_SPANS = 10_000


class TraceApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(self, **filters: Any) -> TracePage:
        """`filters`: those of the route; None does not filter."""
        given = {key: value for key, value in filters.items() if value is not None}
        answer = self._transport.request("GET", f"/traces?{urlencode(given)}")
        return msgspec.json.decode(answer.data, type=TracePage)

    def listed(self, limit: int | None = None, **filters: Any) -> Iterator[TraceView]:
        """The latest first, fetched in pages as they are asked for; so many at most."""
        after: str | None = None
        left = limit
        while left is None or left > 0:
            page = self.page(after=after, limit=_PAGE if left is None else min(left, _PAGE), **filters)
            yield from page.traces
            if page.next is None:
                return
            after = page.next
            left = None if left is None else left - len(page.traces)

    def get(self, trace_id: str) -> TraceView:
        return msgspec.json.decode(self._transport.request("GET", _path(trace_id)).data, type=TraceView)

    def spans(self, trace_id: str, limit: int | None = None) -> tuple[list[SpanView], int]:
        """As a tree is read, so many at most; how many the trace has."""
        found: list[SpanView] = []
        while True:
            most = _SPANS if limit is None else min(limit - len(found), _SPANS)
            asked = urlencode({"from": len(found), "limit": most})
            answer = self._transport.request("GET", f"{_path(trace_id)}/spans?{asked}")
            page = msgspec.json.decode(answer.data, type=SpanPage)
            found += page.spans
            if not page.spans or len(found) >= (page.total if limit is None else min(limit, page.total)):
                return found, page.total

    def span(self, trace_id: str, span_id: str) -> WholeSpan:
        answer = self._transport.request("GET", f"{_path(trace_id)}/spans/{segment(span_id)}")
        return msgspec.json.decode(answer.data, type=WholeSpan)

    def change(self, trace_id: str, wanted: TraceChange) -> TraceView:
        answer = self._transport.request("PATCH", _path(trace_id), encode(wanted))
        return msgspec.json.decode(answer.data, type=TraceView)

    def delete(self, trace_id: str) -> None:
        self._transport.request("DELETE", _path(trace_id))

    def assess(self, trace_id: str, given: AssessmentGiven) -> AssessmentView:
        answer = self._transport.request("POST", f"{_path(trace_id)}/assessments", encode(given))
        return msgspec.json.decode(answer.data, type=AssessmentView)

    def remove_assessment(self, trace_id: str, assessment_id: str) -> None:
        self._transport.request("DELETE", f"{_path(trace_id)}/assessments/{segment(assessment_id)}")


def _path(trace_id: str) -> str:
    return f"/traces/{segment(trace_id)}"
