"""What spans say of their trace, by the names that MLflow's clients and OpenTelemetry's conventions give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from faena.mlflow.artifacts import addresses
from faena.mlflow.words import ARTIFACT_LOCATION, SOURCE_RUN, SPANS_LOCATION, STORED_HERE, TRACE_NAME
from faena.traces import conventions
from faena.traces.opentelemetry.told import Told
from faena.traces.recording import Facts

_SESSIONS = ("session.id", "gen_ai.conversation.id")
_USERS = ("user.id",)
_TAG = "mlflow.traceTag."
_NOT_TAGS = ("telemetry.sdk.", "mlflow.")
_SESSION, _USER = "mlflow.trace.session", "mlflow.trace.user"
_LONGEST_PREVIEW, _LONGEST_KEY, _LONGEST_VALUE, _LONGEST_KIND = 1000, 250, 8000, 250
_MOST_TAGS = 100


def kind(each: Told) -> str:
    return _text(conventions.first(each.attributes, conventions.KINDS))[:_LONGEST_KIND]


def of_trace(trace_id: str, spans: Sequence[Told], experiment: int, run_id: str | None) -> Facts:
    root = [each for each in spans if each.span.parent_id is None][:1]
    facts = Facts(tags={**dict(_resource(spans)), **dict(_tags(root)), SPANS_LOCATION: STORED_HERE})
    facts.new_tags[ARTIFACT_LOCATION] = addresses.of_trace(experiment, trace_id)
    if root and root[0].span.name:
        facts.new_tags[TRACE_NAME] = root[0].span.name[:_LONGEST_VALUE]
    metadata = {_SESSION: _first(spans, _SESSIONS), _USER: _first(spans, _USERS), SOURCE_RUN: run_id}
    facts.metadata = {key: _text(value)[:_LONGEST_VALUE] for key, value in metadata.items() if value}
    facts.request, facts.response = (
        _preview(root, conventions.REQUESTS),
        _preview(root, conventions.RESPONSES),
    )
    return facts


def _resource(spans: Sequence[Told]) -> Iterator[tuple[str, str]]:
    """Who made the trace, as its first span tells."""
    told = next((each.resource for each in spans if each.resource), {})
    for key, value in list(told.items())[:_MOST_TAGS]:
        if key and not key.startswith(_NOT_TAGS):
            yield key[:_LONGEST_KEY], _text(value)[:_LONGEST_VALUE]


def _tags(root: Sequence[Told]) -> Iterator[tuple[str, str]]:
    for each in root:
        named = [
            (key.removeprefix(_TAG), value) for key, value in each.attributes.items() if key.startswith(_TAG)
        ]
        for key, value in named[:_MOST_TAGS]:
            if key:
                yield key[:_LONGEST_KEY], _text(value)[:_LONGEST_VALUE]


def _first(spans: Sequence[Told], names: Sequence[str]) -> Any:
    values = (conventions.first(each.attributes, names) for each in spans)
    return next((value for value in values if value is not None), None)


def _preview(root: Sequence[Told], names: Sequence[str]) -> str | None:
    """As JSON, which a text may be already."""
    value = _first(root, names)
    if value is None:
        return None
    return conventions.as_json(value)[:_LONGEST_PREVIEW]


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()
