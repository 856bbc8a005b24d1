"""Spans of traces that come from MLflow: those of its stores in the form in which spans are kept here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from faena.mlflow.tracing import facts
from faena.traces.model import Span
from faena.traces.opentelemetry import told as telemetry

_CODES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_DEEPEST = 40


def read(trace_id: str, stored: Sequence[str], told: Sequence[str], notes: list[str]) -> list[Span]:
    """`stored`: as stores have them, `told`: as servers do. One that cannot be read is noted."""
    found: list[Span] = []
    for place, text in enumerate([*stored, *told]):
        try:
            given = msgspec.json.decode(text)
            if not isinstance(given, dict):
                raise ValueError("it is no object")
            one = telemetry.told(_converted(given) if place < len(stored) else given, {})
            kept = msgspec.structs.replace(one.span, kind=facts.kind(one))
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
            msgspec.MsgspecError,
        ) as error:
            notes.append(f"a span of it cannot be read: {str(error)[:200]}")
            continue
        if kept.trace_id == trace_id:
            found.append(kept)
        else:
            notes.append("a span of it is of another trace")
    return found


def _converted(given: Mapping[str, Any]) -> dict[str, Any]:
    """With OpenTelemetry's names. Attributes of MLflow's are JSON in text."""
    status = given.get("status") or {}
    made: dict[str, Any] = {
        "trace_id": given["trace_id"],
        "span_id": given["span_id"],
        "name": given.get("name") or "",
        "start_time_unix_nano": str(given.get("start_time_unix_nano") or 0),
        "end_time_unix_nano": str(given.get("end_time_unix_nano") or 0),
        "attributes": _attributes(
            {key: _plain(value) for key, value in (given.get("attributes") or {}).items()}
        ),
        "status": {"code": _CODES.get(str(status.get("code")), 0), "message": status.get("message") or ""},
    }
    if given.get("parent_span_id"):
        made["parent_span_id"] = given["parent_span_id"]
    made["events"] = [
        {
            "name": each.get("name") or "",
            "time_unix_nano": str(each.get("time_unix_nano") or each.get("timestamp") or 0),
            "attributes": _attributes(each.get("attributes") or {}),
        }
        for each in given.get("events") or ()
    ]
    return made


def _plain(text: Any) -> Any:
    try:
        return msgspec.json.decode(text) if isinstance(text, str) else text
    except msgspec.DecodeError:
        return text


def _attributes(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": str(key), "value": _value(value, 0)} for key, value in given.items()]


def _value(value: Any, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError(f"values lie in one another more than {_DEEPEST} deep")
    match value:
        case None:
            return {}
        case bool():
            return {"bool_value": value}
        case str():
            return {"string_value": value}
        case int():
            return {"int_value": str(value)}
        case float():
            return {"double_value": value}
        case list():
            return {"array_value": {"values": [_value(each, depth + 1) for each in value]}}
        case dict():
            values = [{"key": str(key), "value": _value(each, depth + 1)} for key, each in value.items()]
            return {"kvlist_value": {"values": values}}
    return {"string_value": str(value)}
