"""Spans as OpenTelemetry's exporters send them: JSON, and the same as protocol buffers."""

from __future__ import annotations

import json
import struct
from typing import Any

TRACE = "5b8efff798038103d269b633813fc60c"
PROTOBUF = "application/x-protobuf"
RUN = "x-mlflow-run-id"


def span(**fields: Any) -> dict[str, Any]:
    """One with all that a span needs; `attributes`: plain texts."""
    attributes = [
        {"key": key, "value": {"stringValue": value}} for key, value in fields.pop("attributes", {}).items()
    ]
    return {
        "traceId": TRACE,
        "spanId": "eee19b7ec3c1b174",
        "name": "whole",
        "kind": 1,
        "startTimeUnixNano": "1000000000",
        "endTimeUnixNano": "3000000000",
        "attributes": attributes,
        "status": {"code": 1},
        **fields,
    }


def request(*spans: dict[str, Any], **resource: str) -> dict[str, Any]:
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
    return {
        "resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]
    }


def as_json(*spans: dict[str, Any], **resource: str) -> bytes:
    return json.dumps(request(*spans, **resource)).encode()


def as_protobuf(*spans: dict[str, Any], **resource: str) -> bytes:
    [group] = request(*spans, **resource)["resourceSpans"]
    made = b"".join(_part(2, _span(each)) for each in spans)
    told = b"".join(_part(1, _attribute(each)) for each in group["resource"]["attributes"])
    return _part(1, _part(1, told) + _part(2, made))


def _span(given: dict[str, Any]) -> bytes:
    ids = ((1, "traceId"), (2, "spanId"), (4, "parentSpanId"))
    parts = [_part(number, bytes.fromhex(given[name])) for number, name in ids if name in given]
    parts += [_part(5, given["name"].encode()), _varint(6 << 3) + _varint(given["kind"])]
    times = ((7, "startTimeUnixNano"), (8, "endTimeUnixNano"))
    parts += [_varint(number << 3 | 1) + struct.pack("<Q", int(given[name])) for number, name in times]
    parts += [_part(9, _attribute(each)) for each in given["attributes"]]
    parts.append(_part(15, _varint(3 << 3) + _varint(given["status"]["code"])))
    return b"".join(parts)


def _attribute(given: dict[str, Any]) -> bytes:
    return _part(1, given["key"].encode()) + _part(2, _value(given["value"]))


def _value(given: dict[str, Any]) -> bytes:
    [(kind, value)] = given.items()
    match kind:
        case "stringValue":
            return _part(1, value.encode())
        case "boolValue":
            return _varint(2 << 3) + _varint(int(value))
        case "intValue":
            return _varint(3 << 3) + _varint(int(value) & (1 << 64) - 1)
        case "doubleValue":
            return _varint(4 << 3 | 1) + struct.pack("<d", float(value))
        case "arrayValue":
            return _part(5, b"".join(_part(1, _value(each)) for each in value["values"]))
        case "kvlistValue":
            return _part(6, b"".join(_part(1, _attribute(each)) for each in value["values"]))
    raise AssertionError(kind)


def _part(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
