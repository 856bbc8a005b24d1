"""Spans that came as a file: what MLflow's clients write who do not send each one as it ends. Pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from faena.kernel.errors import UserErrorException
from faena.traces.conventions import KINDS, first
from faena.traces.model import Span, SpanStatus
from faena.traces.opentelemetry.shapes import DEEPEST

NAME = "traces.json"
MOST_BYTES = 64 << 20
MOST_SPANS = 200_000
_CODES = {"OK": 1, "ERROR": 2}
_STATUS = {1: SpanStatus.OK, 2: SpanStatus.FAILED}
_ID_BYTES = 8
_LATEST = 2**63


def parse(data: bytes, trace_id: str) -> list[Span]:
    """Spans of a file in either of its two forms. Raises UserErrorException for what is none."""
    try:
        spans = msgspec.json.decode(data)["spans"]
        if len(spans) > MOST_SPANS:
            raise ValueError(f"it has {len(spans):,} spans, and at most {MOST_SPANS:,} are read")
        return [_span(each, trace_id) for each in spans]
    except (
        msgspec.DecodeError,
        RecursionError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
    ) as error:
        raise UserErrorException(
            f"The file {NAME} of the trace {trace_id} holds no spans that can be read: "
            f"{type(error).__name__}: {str(error)[:200]}."
        ) from error


def _span(given: Mapping[str, Any], trace_id: str) -> Span:
    attributes = {str(name): _decoded(value) for name, value in (given.get("attributes") or {}).items()}
    code, message = _status(given)
    began = int(given["start_time"] if "start_time" in given else given["start_time_unix_nano"])
    ended = int(given.get("end_time", given.get("end_time_unix_nano")) or 0) or None
    if not 0 <= began < _LATEST or not 0 <= (ended or 0) < _LATEST:
        raise ValueError("a span's times are nanoseconds since 1970, below 2**63")
    told = {
        "status": {"code": code, "message": message},
        "attributes": [{"key": name, "value": _value(value)} for name, value in attributes.items()],
        "events": [_event(each) for each in given.get("events") or ()],
    }
    return Span(
        id=_identity(given["span_id"] if "span_id" in given else given["context"]["span_id"]),
        trace_id=trace_id,
        parent_id=_identity(given.get("parent_id") or given.get("parent_span_id") or "") or None,
        name=str(given.get("name", "")),
        began_ns=began,
        ended_ns=ended,
        status=_STATUS.get(code, SpanStatus.UNSET),
        told=msgspec.json.encode(told).decode(),
        kind=str(first(attributes, KINDS) or ""),
    )


def _identity(told: str) -> str:
    """Hexadecimal digits, of either form: `0x…`, or base64 of 8 bytes."""
    if told.startswith("0x"):
        return told[2:]
    decoded = b64decode(told)
    return decoded.hex() if len(decoded) == _ID_BYTES else told


def _status(given: Mapping[str, Any]) -> tuple[int, str]:
    status = given.get("status")
    if isinstance(status, Mapping):
        word, message = status.get("code", ""), status.get("message")
    else:
        word, message = given.get("status_code", ""), given.get("status_message")
    code = word if isinstance(word, int) else _CODES.get(str(word).removeprefix("STATUS_CODE_"), 0)
    return code, str(message or "")


def _event(given: Mapping[str, Any]) -> dict[str, Any]:
    at = given.get("timestamp", given.get("time_unix_nano", 0))
    attributes: Iterable[tuple[str, Any]] = (given.get("attributes") or {}).items()
    return {
        "name": str(given.get("name", "")),
        "time_unix_nano": str(int(at or 0)),
        "attributes": [{"key": name, "value": _value(value)} for name, value in attributes],
    }


def _decoded(value: Any) -> Any:
    """Each is JSON in a text, as these files have it; what is none is itself."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value


def _value(value: Any, depth: int = 0) -> dict[str, Any]:
    """As OpenTelemetry's protocol has it; what lies too deep is text."""
    if depth >= DEEPEST and isinstance(value, list | dict):
        return {"string_value": msgspec.json.encode(value).decode()}
    match value:
        case bool():
            return {"bool_value": value}
        case int():
            return {"int_value": str(value)}
        case float():
            return {"double_value": value}
        case str():
            return {"string_value": value}
        case list():
            return {"array_value": {"values": [_value(each, depth + 1) for each in value]}}
        case dict():
            return {
                "kvlist_value": {
                    "values": [{"key": str(k), "value": _value(v, depth + 1)} for k, v in value.items()]
                }
            }
    return {}
