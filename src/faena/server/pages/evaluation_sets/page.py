"""What the pages of evaluation sets show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from faena.db import Read
from faena.kernel.plural import counted
from faena.server.pages.addresses import (
    EVALUATION_SETS,
    evaluation_set_address,
    trace_address,
    traces_address,
)
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.words import when
from faena.traces import store as traces
from faena.traces.conventions import told_by_people
from faena.traces.evaluation_sets import listing
from faena.traces.evaluation_sets.schemas import EvaluationSetView, RecordView

_LONGEST = 2_000
_MOST_PARTS = 30
"""Of a record's inputs, or of what is expected."""
_MOST_EXPERIMENTS = 8


class Row(Struct, frozen=True):
    name: str
    address: str
    size: int
    experiments: list[tuple[str, str]]
    tags: list[tuple[str, str]]
    more_tags: int
    changed_at: int


class SetList(Struct, frozen=True):
    rows: list[Row]
    paged: Paged


class Shown(Struct, frozen=True):
    """A record."""

    inputs: list[tuple[str, str]]
    expectations: list[tuple[str, str]]
    outputs: str
    tags: dict[str, str]
    trace: str
    """Address of the trace that it was made of; empty where none is told or there."""


class SetPage(Struct, frozen=True):
    row: Row
    size: str
    records: list[Shown]
    has_outputs: bool
    has_traces: bool
    paged: Paged
    facts: list[tuple[str, str]]
    tags: list[tuple[str, str]]


def build_list(read: Read, text: str, start: int) -> SetList:
    found = listing.sets(read, None, text.strip() or None, start, ROWS)
    return SetList(
        [_row(each) for each in found.sets], Paged(EVALUATION_SETS, found.total, start, text.strip())
    )


def build(read: Read, set_id: str, start: int) -> SetPage:
    """Raises NotFound."""
    view = listing.one(read, set_id)
    page = listing.records(read, set_id, start, ROWS)
    facts = {
        "Id": view.id,
        "Records": f"{view.size:,}",
        "Made": when(view.created_at) + (f" by {view.created_by}" if view.created_by else ""),
        "Changed": when(view.changed_at) + (f" by {view.changed_by}" if view.changed_by else ""),
    }
    records = [_shown(read, each) for each in page.records]
    return SetPage(
        _row(view),
        counted(view.size, "record"),
        records,
        any(each.outputs for each in records),
        any(each.trace for each in records),
        Paged(evaluation_set_address(set_id), page.total, start),
        list(facts.items()),
        sorted(told_by_people(view.tags).items()),
    )


def _row(view: EvaluationSetView) -> Row:
    tags = list(told_by_people(view.tags).items())
    return Row(
        name=view.name,
        address=evaluation_set_address(view.id),
        size=view.size,
        experiments=[
            (each, traces_address(experiment=each)) for each in view.experiments[:_MOST_EXPERIMENTS]
        ],
        tags=tags[:_MOST_EXPERIMENTS],
        more_tags=max(0, len(tags) - _MOST_EXPERIMENTS),
        changed_at=view.changed_at,
    )


def _shown(read: Read, record: RecordView) -> Shown:
    data = (record.source or {}).get("source_data")
    trace_id = str(data.get("trace_id") or "") if isinstance(data, dict) else ""
    return Shown(
        inputs=_parts(record.inputs),
        expectations=_parts(record.expectations or {}),
        outputs="" if record.outputs is None else _text(record.outputs),
        tags=told_by_people(record.tags),
        trace=trace_address(trace_id) if trace_id and traces.get(read, trace_id) is not None else "",
    )


def _parts(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in list(given.items())[:_MOST_PARTS]]


def _text(value: Any) -> str:
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"
