"""An evaluation set and its records as frozen values. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from faena.kernel.clock import Micros

PARTS = ("inputs", "outputs", "expectations")


class EvaluationSet(Struct, frozen=True):
    id: str
    name: str
    created_at: Micros
    changed_at: Micros
    created_by: str | None = None
    changed_by: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """The types of what its records hold, by part and name: those that were there once stay."""
    tags: dict[str, str] = field(default_factory=dict)
    experiment_ids: list[int] = field(default_factory=list)
    size: int = 0
    """Its records."""


class Record(Struct, frozen=True):
    """One question. Two of a set never have the same inputs."""

    id: str
    set_id: str
    inputs: dict[str, Any]
    created_at: Micros
    changed_at: Micros
    outputs: Any = None
    expectations: dict[str, Any] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    source: dict[str, Any] | None = None
    """Where it is from, as whoever added it says."""
    created_by: str | None = None
    changed_by: str | None = None


class Told(Struct, frozen=True):
    """What somebody tells of a record."""

    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: Any = None
    expectations: dict[str, Any] | None = None
    tags: dict[str, str] | None = None
    source: dict[str, Any] | None = None


def key(inputs: Mapping[str, Any]) -> str:
    """The same for the same inputs, in whatever order they are told."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def merged(record: Record, told: Told, now: Micros, by: str | None) -> Record:
    """What is told replaces what was there; expectations and tags of other names stay."""
    return msgspec.structs.replace(
        record,
        outputs=record.outputs if told.outputs is None else told.outputs,
        expectations=(record.expectations or {}) | told.expectations
        if told.expectations
        else record.expectations,
        tags=record.tags | (told.tags or {}),
        changed_at=now,
        changed_by=by or record.changed_by,
    )


def with_fields(known: Mapping[str, Any], records: Iterable[Told]) -> dict[str, Any]:
    """The types of what records hold, added to those that are known."""
    found: dict[str, Any] = {part: known.get(part, {}) for part in PARTS}
    for record in records:
        for part in PARTS:
            value = getattr(record, part)
            if isinstance(value, dict) and isinstance(found[part], dict):
                found[part] = {**{name: _type(each) for name, each in value.items()}, **found[part]}
            elif value is not None and not found[part]:
                found[part] = _type(value)
    return found


def _type(value: Any) -> str:
    return _TYPES.get(type(value), "unknown")


_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "string",
    list: "array",
    dict: "object",
}
