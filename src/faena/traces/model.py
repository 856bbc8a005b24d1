"""A trace as a frozen value. No I/O."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from faena.kernel.clock import Micros


class TraceStatus(StrEnum):
    IN_PROGRESS = "in progress"
    OK = "ok"
    FAILED = "failed"


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


class TraceFile(Struct, frozen=True):
    path: str
    digest: str
    size: int
