"""A trace, its spans and what was said of it, as frozen values. No I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from faena.kernel.clock import Micros


class TraceStatus(StrEnum):
    IN_PROGRESS = "in progress"
    OK = "ok"
    FAILED = "failed"


class SpanStatus(StrEnum):
    UNSET = "unset"
    OK = "ok"
    FAILED = "failed"


class Verdict(StrEnum):
    """What kind of assessment it is."""

    FEEDBACK = "feedback"
    """How good it was."""
    EXPECTATION = "expectation"
    """What it should have been."""
    ISSUE = "issue"
    """A known defect that it shows."""


class Assessment(Struct, frozen=True):
    """What a person, a program or another model says of a trace."""

    id: str
    trace_id: str
    name: str
    kind: Verdict
    value: Any
    """Anything that JSON has."""
    created_at: Micros
    changed_at: Micros
    error: dict[str, Any] | None = None
    """Why there is no value."""
    rationale: str | None = None
    source_kind: str = ""
    source_id: str = ""
    span_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    overrides: str | None = None
    """The id of the one that it takes the place of."""
    is_valid: bool = True
    """Whether no other one takes its place."""


class Trace(Struct, frozen=True):
    id: str
    experiment_id: int
    began_at: Micros
    run_id: str | None = None
    """The run in which it was made, as whoever told of it says."""
    ended_at: Micros | None = None
    status: TraceStatus = TraceStatus.IN_PROGRESS
    tags: dict[str, str] = field(default_factory=dict)
    """They may change."""
    metadata: dict[str, str] = field(default_factory=dict)
    request: str | None = None
    """The beginning of what was asked."""
    response: str | None = None
    """The beginning of what was answered."""
    client_request_id: str | None = None
    """What the application itself calls it."""
    is_whole: bool = False
    """Whether its application told of it as a whole, so that its spans change nothing of that."""
    assessments: list[Assessment] = field(default_factory=list)


class Span(Struct, frozen=True):
    """One step of a trace."""

    id: str
    trace_id: str
    parent_id: str | None
    """None: it is the whole of it."""
    name: str
    began_ns: int
    """Nanoseconds since 1970."""
    ended_ns: int | None
    status: SpanStatus
    told: str
    """All that was told of it: a JSON object with the names of OpenTelemetry's protocol, ids in base64."""
    kind: str = ""
    """Such as `LLM` or `TOOL`."""


class TraceFile(Struct, frozen=True):
    path: str
    digest: str
    size: int
