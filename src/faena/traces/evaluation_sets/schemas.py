"""Wire types of evaluation sets."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class EvaluationSetView(Struct, frozen=True):
    """Questions, and what is expected of their answers. Times are microseconds since 1970."""

    id: str
    name: str
    created_at: int
    changed_at: int
    created_by: str
    changed_by: str
    tags: dict[str, str]
    experiments: list[str]
    """Names of those that it is for."""
    fields: dict[str, Any]
    """The types of what its records hold, by part (inputs, outputs, expectations) and name."""
    size: int
    """Its records."""


class EvaluationSets(Struct, frozen=True):
    sets: list[EvaluationSetView]
    total: int
    """Of all that match."""


class RecordView(Struct, frozen=True):
    """One question. Two of a set never have the same inputs."""

    id: str
    inputs: dict[str, Any]
    created_at: int
    changed_at: int
    outputs: Any = None
    expectations: dict[str, Any] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    source: dict[str, Any] | None = None
    """Where it is from, as whoever added it says."""
    created_by: str = ""
    changed_by: str = ""


class RecordPage(Struct, frozen=True):
    records: list[RecordView]
    total: int
    """Of the set."""
