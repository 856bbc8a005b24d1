"""Evaluation sets of a store, in parts that a request has room for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from faena.client.mlflow_stores.reading import number, word
from faena.mlflow.moving.schemas import (
    CHANGED,
    GROWN,
    HERE,
    NEW,
    REFUSED,
    TAKEN,
    EvaluationSetGiven,
    RecordGiven,
)

TOGETHER = 500
"""Records of a part."""
_BYTES_TOGETHER = 8 << 20
_WORST = (REFUSED, TAKEN, CHANGED, NEW, GROWN, HERE)


def parts(head: EvaluationSetGiven, records: Iterable[RecordGiven]) -> Iterator[EvaluationSetGiven]:
    """One at least: a set may be empty."""
    some: list[RecordGiven] = []
    size = sent = 0
    for record in records:
        length = len(msgspec.msgpack.encode(record))
        if some and (len(some) == TOGETHER or size + length > _BYTES_TOGETHER):
            yield msgspec.structs.replace(head, records=some)
            some, size, sent = [], 0, sent + 1
        some.append(record)
        size += length
    if some or not sent:
        yield msgspec.structs.replace(head, records=some)


def outcome(of_parts: Iterable[str]) -> str:
    """Of the whole set."""
    found = set(of_parts)
    return next(each for each in _WORST if each in found)


def head(told: dict[str, Any], tags: Any, experiments: list[str]) -> EvaluationSetGiven:
    """As databases and servers tell of one, by the names of its columns."""
    fields = decoded(told.get("schema"))
    created = number(told.get("created_time")) or 0
    return EvaluationSetGiven(
        id=word(told.get("dataset_id")),
        name=word(told.get("name")),
        created_ms=created,
        changed_ms=number(told.get("last_update_time")) or created,
        created_by=told.get("created_by"),
        changed_by=told.get("last_updated_by"),
        tags={key: word(value) for key, value in tags.items()} if isinstance(tags, dict) else {},
        experiments=experiments,
        fields=fields if isinstance(fields, dict) else {},
    )


def record(told: dict[str, Any]) -> RecordGiven:
    inputs, expectations, tags, source = (
        found if isinstance(found := decoded(told.get(name)), dict) else None
        for name in ("inputs", "expectations", "tags", "source")
    )
    created = number(told.get("created_time")) or 0
    return RecordGiven(
        id=word(told.get("dataset_record_id")),
        inputs=inputs or {},
        created_ms=created,
        changed_ms=number(told.get("last_update_time")) or created,
        outputs=told.get("outputs"),
        expectations=expectations,
        tags={key: word(value) for key, value in (tags or {}).items()},
        source=source,
        created_by=told.get("created_by"),
        changed_by=told.get("last_updated_by"),
    )


def decoded(told: Any) -> Any:
    """Of a column that is JSON: some databases hand it out as text."""
    if not isinstance(told, str):
        return told
    try:
        return json.loads(told)
    except (ValueError, RecursionError):
        return None
