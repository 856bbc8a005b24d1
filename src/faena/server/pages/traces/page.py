"""What the page of a trace shows: how long each step took, what went in and out, what was said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs import store as runs
from faena.server.pages.addresses import trace_address
from faena.server.pages.paging import Paged
from faena.server.pages.rendering import run_address
from faena.server.pages.traces import list as trace_list
from faena.server.pages.traces import waterfall
from faena.server.pages.traces.waterfall import Waterfall
from faena.server.pages.words import when
from faena.traces import service, views
from faena.traces.conventions import told_by_people
from faena.traces.schemas import AssessmentView, TraceView, WholeSpan
from faena.traces.tree import Placed

_LONGEST = 20_000
"""Characters of what went in or out; how many more there are is told."""
_LONGEST_ATTRIBUTE = 2_000
_MOST_EVENTS = 100
_TOKENS = "mlflow.trace.tokenUsage"


class Said(Struct, frozen=True):
    name: str
    kind: str
    value: str
    by: str
    at: Micros
    why: str
    step: str
    """The name of the step that it is about; empty: of all."""
    is_valid: bool


class Event(Struct, frozen=True):
    name: str
    after: str
    attributes: list[tuple[str, str]]


class ChosenStep(Struct, frozen=True):
    name: str
    kind: str
    message: str
    inputs: str
    outputs: str
    attributes: list[tuple[str, str]]
    events: list[Event]
    more_events: int
    links: list[tuple[str, str]]


class TracePage(Struct, frozen=True):
    row: trace_list.Row
    id: str
    request: str
    response: str
    facts: list[tuple[str, str]]
    runs: list[tuple[str, str]]
    """Title and address: of the one that made it, and of those that it was put to."""
    said: list[Said]
    tags: list[tuple[str, str]]
    metadata: list[tuple[str, str]]
    fall: Waterfall
    paged: Paged
    step: ChosenStep | None
    untold: str
    """Why the steps are not shown."""


def build(
    read: Read,
    trace_id: str,
    spans: Sequence[Placed],
    chosen: WholeSpan | None,
    start: int,
    untold: str = "",
) -> TracePage:
    """`spans`: all of it. Raises NotFound."""
    view = views.of_one(read, service.get(read, trace_id))
    names = {each.span.id: each.span.name for each in spans}
    [row] = trace_list.rows(read, [view])
    own = next((each for each in spans if chosen is not None and each.span.id == chosen.id), None)
    return TracePage(
        row=row,
        id=view.id,
        request=_cut(view.request or "", _LONGEST),
        response=_cut(view.response or "", _LONGEST),
        facts=_facts(view, len(spans)),
        runs=_runs(read, view),
        said=[_said(each, names) for each in view.assessments],
        tags=trace_list.pairs(view.tags),
        metadata=trace_list.pairs(view.metadata),
        fall=waterfall.build(trace_id, spans, start, "" if chosen is None else chosen.id),
        paged=Paged(trace_address(trace_id), len(spans), start, rows=waterfall.STEPS),
        step=None if chosen is None or own is None else _step(chosen, own),
        untold=untold,
    )


def _facts(view: TraceView, steps: int) -> list[tuple[str, str]]:
    facts = {
        "Trace": view.id,
        "Began": when(view.began_at),
        "Took": trace_list.took(view.began_at, view.ended_at),
        "Steps": f"{steps:,}" if steps else "",
        "Tokens": _tokens(view.metadata.get(_TOKENS, "")),
        "Called": view.client_request_id or "",
    }
    return [(name, value) for name, value in facts.items() if value]


def _tokens(told: str) -> str:
    """`812 (700 in, 112 out)`, of what the application summed up."""
    try:
        found = json.loads(told) if told else {}
        total, given, made = (int(found[f"{each}_tokens"]) for each in ("total", "input", "output"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f"{total:,} ({given:,} in, {made:,} out)"


def _runs(read: Read, view: TraceView) -> list[tuple[str, str]]:
    ids = list(dict.fromkeys([*([view.run_id] if view.run_id else []), *view.runs]))
    there = runs.get_many(read, ids)
    return [(there[each].name or each, run_address(each)) for each in ids if each in there]


def _said(each: AssessmentView, names: dict[str, str]) -> Said:
    return Said(
        name=each.name,
        kind=each.kind,
        value=_cut(trace_list.value(each), _LONGEST_ATTRIBUTE),
        by=each.source_id or each.source_kind.replace("_", " ").lower(),
        at=each.created_at,
        why=each.rationale or "",
        step=names.get(each.span_id or "", ""),
        is_valid=each.is_valid,
    )


def _step(whole: WholeSpan, placed: Placed) -> ChosenStep:
    began = placed.span.began_ns
    return ChosenStep(
        name=placed.span.name or placed.span.id,
        kind=views.kind(placed.span),
        message=whole.message,
        inputs=_pretty(whole.inputs),
        outputs=_pretty(whole.outputs),
        attributes=_values(told_by_people(whole.attributes)),
        events=[
            Event(each.name, trace_list.length(max(0, each.at_ns - began) / 1e9), _values(each.attributes))
            for each in whole.events[:_MOST_EVENTS]
        ],
        more_events=max(0, len(whole.events) - _MOST_EVENTS),
        links=[(each, trace_address(each)) for each in whole.links[:_MOST_EVENTS]],
    )


def _values(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _cut(trace_list.plain(value), _LONGEST_ATTRIBUTE)) for name, value in given.items()]


def _pretty(value: Any) -> str:
    if value is None:
        return ""
    return _cut(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2), _LONGEST
    )


def _cut(text: str, most: int) -> str:
    more = len(text) - most
    return text if more <= 0 else f"{text[:most]}…\n({counted(more, 'character')} more)"
