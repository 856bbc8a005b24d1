"""Wire types of metrics, logs and files."""

from __future__ import annotations

from typing import Any

import msgspec


class AppendedOut(msgspec.Struct, frozen=True):
    """Send on from `offset`; what stands before it is stored."""

    offset: int
    bad_bytes: int = 0


class OffsetsOut(msgspec.Struct, frozen=True):
    """Where each stream of a rank goes on, by the stream's name."""

    offsets: dict[str, int]


class MetricsOut(msgspec.Struct, frozen=True):
    """`values` as v1's `get_metrics` gives them.

    JSON has no NaN and no infinity: encode with MessagePack where a metric may hold them.
    """

    values: dict[str, Any]


class MetricSummaryOut(msgspec.Struct, frozen=True):
    """Times in microseconds since the epoch. `last` is None, with `nans` above 0, when it is NaN."""

    name: str
    source: str
    count: int
    nans: int
    first_time: int
    last_time: int
    last: float | None = None
    min: float | None = None
    max: float | None = None
    last_step: int | None = None


class SeriesOut(msgspec.Struct, frozen=True):
    """Arrays of one length as little-endian bytes: int64 microseconds, int64 (-2^63: none), float64."""

    time: bytes
    step: bytes
    value: bytes


class LogOut(msgspec.Struct, frozen=True):
    name: str
    attempt: int
    rank: int
    size: int
    sealed: bool


class StoredFileIn(msgspec.Struct, frozen=True):
    digest: str
    size: int


class PutFilesIn(msgspec.Struct, frozen=True):
    files: dict[str, StoredFileIn]


class RunFileOut(msgspec.Struct, frozen=True):
    name: str
    size: int
    digest: str
    created_at: int
