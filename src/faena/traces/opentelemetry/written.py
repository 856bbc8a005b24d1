"""Attributes that were written as JSON before they were sent, by exporters that know texts alone: values again."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.traces.opentelemetry.protobuf_form import real
from faena.traces.opentelemetry.shapes import DEEPEST

_SIGNS = ("mlflow.traceRequestId", "mlflow.spanType")
"""Texts in every span of MLflow's: where one stands in quotation marks, all attributes of the span were written."""


def undo(span: dict[str, Any]) -> None:
    """Of a span in the form of `SHAPES` whose attributes were written; others stay as they are."""
    attributes = span.get("attributes", [])
    if not any(each.get("key") in _SIGNS and _is_quoted(each.get("value", {})) for each in attributes):
        return
    for each in attributes:
        text = each.get("value", {}).get("string_value")
        if isinstance(text, str):
            each["value"] = _read(text)


def _is_quoted(value: dict[str, Any]) -> bool:
    text = value.get("string_value", "")
    return len(text) > 1 and text[0] == text[-1] == '"'


def _read(text: str) -> dict[str, Any]:
    try:
        return _value(msgspec.json.decode(text), 0)
    except (msgspec.DecodeError, RecursionError):
        return {"string_value": text}


def _value(given: Any, depth: int) -> dict[str, Any]:
    """As OpenTelemetry has it. What lies too deep, or is no number of 64 bits, stays text."""
    match given:
        case None:
            return {}
        case bool():
            return {"bool_value": given}
        case int() if -(2**63) <= given < 2**63:
            return {"int_value": str(given)}
        case float():
            return {"double_value": real(given)}
        case list() if depth < DEEPEST:
            return {"array_value": {"values": [_value(each, depth + 1) for each in given]}}
        case dict() if depth < DEEPEST:
            pairs = [{"key": key, "value": _value(value, depth + 1)} for key, value in given.items()]
            return {"kvlist_value": {"values": pairs}}
        case str():
            return {"string_value": given}
    return {"string_value": msgspec.json.encode(given).decode()}
