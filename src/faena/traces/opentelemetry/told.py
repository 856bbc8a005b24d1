"""Spans of a request, each with its attributes as plain values."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from faena.traces.model import Span, SpanStatus
from faena.traces.opentelemetry import json_form, protobuf_form, written
from faena.traces.opentelemetry.shapes import Unreadable

MOST_BYTES = 64 << 20
"""Of a body that was sent packed, once it is unpacked."""
_TRACE_BYTES, _SPAN_BYTES = 16, 8
_STATUS = {1: SpanStatus.OK, 2: SpanStatus.FAILED}
_LATEST = 2**63
TRACE = "tr-"
"""What stands before OpenTelemetry's id of a trace in ours."""


class Told(Struct, frozen=True):
    span: Span
    attributes: dict[str, Any]
    resource: dict[str, Any]
    """What is told of who made it, such as `service.name`."""


class WrongSpan(ValueError):
    """A span that lacks what every span has."""


def unpacked(body: bytes, encoding: str) -> bytes:
    """A body by its `Content-Encoding`. Raises Unreadable, also for one that grows beyond `MOST_BYTES`."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflated(body, (zlib.MAX_WBITS | 16,), "gzip")
        case "deflate":
            return _inflated(body, (zlib.MAX_WBITS, -zlib.MAX_WBITS), "deflate")
    raise Unreadable(f"Unsupported Content-Encoding: {encoding[:40]}. Send gzip, deflate or none")


def _inflated(body: bytes, ways: Sequence[int], name: str) -> bytes:
    for way in ways:
        reader = zlib.decompressobj(way)
        try:
            found = reader.decompress(body, MOST_BYTES + 1)
        except zlib.error:
            continue
        if len(found) > MOST_BYTES:
            raise Unreadable(
                f"The body has more than {MOST_BYTES:,} bytes once it is unpacked. Send fewer spans at a time"
            )
        if reader.eof and not reader.unused_data:
            return found
    raise Unreadable(f"Failed to decompress {name} payload")


def read(body: bytes, *, is_json: bool) -> list[Told]:
    """All spans of a request. Raises Unreadable where it is none, WrongSpan for a span that is none."""
    request = (json_form if is_json else protobuf_form).read(body)
    if not request.get("resource_spans"):
        raise Unreadable("no spans found")
    return list(_spans(request))


def _spans(request: Mapping[str, Any]) -> Iterator[Told]:
    for group in request.get("resource_spans", ()):
        resource = plain(group.get("resource", {}).get("attributes", ()))
        for scope in group.get("scope_spans", ()):
            for given in scope.get("spans", ()):
                yield told(given, resource)


def told(given: dict[str, Any], resource: dict[str, Any]) -> Told:
    """`given`: in the form of `SHAPES`. Raises WrongSpan."""
    written.undo(given)
    trace, span = _identity(given, "trace_id", _TRACE_BYTES), _identity(given, "span_id", _SPAN_BYTES)
    if not trace or not span:
        raise WrongSpan("A span has a trace_id of 16 bytes and a span_id of 8, not all of them 0")
    began, ended = int(given.get("start_time_unix_nano", 0)), int(given.get("end_time_unix_nano", 0))
    if max(began, ended) >= _LATEST:
        raise WrongSpan("A span's times are nanoseconds since 1970, below 2**63")
    return Told(
        Span(
            id=span,
            trace_id=f"{TRACE}{trace}",
            parent_id=_identity(given, "parent_span_id", _SPAN_BYTES) or None,
            name=given.get("name", ""),
            began_ns=began,
            ended_ns=ended or None,
            status=_STATUS.get(given.get("status", {}).get("code", 0), SpanStatus.UNSET),
            told=msgspec.json.encode(given).decode(),
        ),
        plain(given.get("attributes", ())),
        resource,
    )


def _identity(given: Mapping[str, Any], name: str, size: int) -> str:
    """Hexadecimal digits; empty: there is none, or only zeros."""
    found = b64decode(given.get(name, ""))
    if len(found) not in (0, size):
        raise WrongSpan(f"A span's {name} has {size} bytes, not {len(found)}")
    return found.hex() if any(found) else ""


def plain(attributes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {each.get("key", ""): _plain(each.get("value", {})) for each in attributes}


def trace_of(link: Mapping[str, Any]) -> str:
    """The id of the trace that a span's link refers to; empty: none."""
    found = b64decode(link.get("trace_id", ""))
    return f"{TRACE}{found.hex()}" if any(found) else ""


def _plain(value: Mapping[str, Any]) -> Any:
    for name, given in value.items():
        match name:
            case "int_value":
                return int(given)
            case "double_value":
                return float(given)
            case "array_value":
                return [_plain(each) for each in given.get("values", ())]
            case "kvlist_value":
                return plain(given.get("values", ()))
        return given
    return None
