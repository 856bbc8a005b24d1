"""A step of a trace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from faena.traces.schemas import SpanEvent, SpanView, WholeSpan


class Span:
    """A step of a trace; what went in and out is fetched when it is first asked for."""

    def __init__(self, view: SpanView, fetch: Callable[[], WholeSpan]) -> None:
        self._view = view
        self._fetch = fetch
        self.children: list[Span] = []
        """Steps right below it, as they began."""

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def parent_id(self) -> str | None:
        return self._view.parent_id

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def kind(self) -> str:
        """Such as LLM or TOOL; empty where it was not told."""
        return self._view.kind

    @property
    def status(self) -> str:
        """`unset`, `ok` or `failed`."""
        return self._view.status

    @property
    def depth(self) -> int:
        """0: nothing is above it."""
        return self._view.depth

    @property
    def started_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.began_ns / 1e9, UTC)

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        ended = self._view.ended_ns
        return None if ended is None else (ended - self._view.began_ns) / 1e9

    @property
    def inputs(self) -> Any:
        """None where none were told."""
        return self._whole.inputs

    @property
    def outputs(self) -> Any:
        """None where none were told."""
        return self._whole.outputs

    @property
    def message(self) -> str:
        """Why it failed."""
        return self._whole.message

    @property
    def attributes(self) -> dict[str, Any]:
        """What else was told of it."""
        return dict(self._whole.attributes)

    @property
    def events(self) -> list[SpanEvent]:
        return list(self._whole.events)

    @cached_property
    def _whole(self) -> WholeSpan:
        return self._fetch()

    def __repr__(self) -> str:
        kind = f", kind={self.kind!r}" if self.kind else ""
        return f"Span(name={self.name!r}{kind}, status={self.status!r}, seconds={self.seconds})"
