"""Wire types of what an endpoint did, for charts."""

from __future__ import annotations

from msgspec import Struct


class Curves(Struct, frozen=True):
    """A value for each pair of standings; None where there was no request whose time could be told."""

    at: list[float]
    """Seconds of the clock."""
    requests: list[float]
    """A second, as the next two."""
    client_errors: list[float]
    server_errors: list[float]
    p50: list[float | None]
    p95: list[float | None]
    p99: list[float | None]
    waiting: list[int]
    cpu: list[float]
    """Cores."""
    memory: list[int]
