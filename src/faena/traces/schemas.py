"""Wire types of traces."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from faena.kernel.user_names import UserName


class AssessmentView(Struct, frozen=True):
    """What a person, a program or another model says of a trace."""

    id: str
    name: str
    kind: str
    """feedback, expectation or issue."""
    value: Any
    created_at: int
    changed_at: int
    error: dict[str, Any] | None = None
    """Why there is no value."""
    rationale: str | None = None
    source_kind: str = ""
    """HUMAN, CODE or LLM_JUDGE, unless whoever told it has another word."""
    source_id: str = ""
    """Who it is of."""
    span_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    is_valid: bool = True
    """Whether no other one takes its place."""


class TraceView(Struct, frozen=True):
    """A trace without its spans. Times are microseconds since 1970."""

    id: str
    name: str
    experiment: str
    run_id: str | None
    """The run in which it was made."""
    status: str
    """in progress, ok or failed."""
    began_at: int
    ended_at: int | None
    tags: dict[str, str]
    metadata: dict[str, str]
    request: str | None = None
    """The beginning of what was asked."""
    response: str | None = None
    """The beginning of what was answered."""
    client_request_id: str | None = None
    assessments: list[AssessmentView] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    """Runs that it was put to besides."""


class TracePage(Struct, frozen=True):
    traces: list[TraceView]
    next: str | None = None
    """What `after` is for the next page; None after the last."""


class SpanView(Struct, frozen=True):
    """A step of a trace. Times are nanoseconds since 1970."""

    id: str
    parent_id: str | None
    name: str
    kind: str
    """Such as LLM or TOOL; empty where it was not told."""
    status: str
    """unset, ok or failed."""
    began_ns: int
    ended_ns: int | None
    depth: int
    """0: nothing is above it."""
    children: int
    """Spans right below it."""


class SpanPage(Struct, frozen=True):
    """Spans as a tree is read: each before those below it."""

    spans: list[SpanView]
    total: int
    """Of the trace."""


class SpanEvent(Struct, frozen=True):
    at_ns: int
    name: str
    attributes: dict[str, Any] = field(default_factory=dict)


class WholeSpan(Struct, frozen=True):
    """All that was told of a span."""

    id: str
    inputs: Any = None
    outputs: Any = None
    message: str = ""
    """Why it failed."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """Without inputs and outputs."""
    events: list[SpanEvent] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """Ids of traces that it refers to."""


class TraceChange(Struct, frozen=True, forbid_unknown_fields=True):
    add_tags: dict[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()


class AssessmentGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of a trace."""

    name: str
    value: Any
    kind: str = "feedback"
    rationale: str | None = None
    source_kind: str = "HUMAN"
    source_id: UserName = ""
    """Whoever says it."""
    span_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
