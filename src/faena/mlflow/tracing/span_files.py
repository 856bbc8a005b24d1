"""The spans of a trace as a file: what clients of 2.x fetch of each trace, and what MLflow's page asks for."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import msgspec
from litestar import Request
from litestar.response import Stream
from msgspec import Struct

from faena.db import Read
from faena.mlflow.artifacts import addresses, sending
from faena.mlflow.artifacts.trees import TraceFiles
from faena.mlflow.artifacts.whole_files import WholeFile
from faena.mlflow.errors import MlflowError
from faena.mlflow.services import Services
from faena.mlflow.tracing.spans import JSON, Sent
from faena.traces import service, span_store, store
from faena.traces.model import Span
from faena.traces.opentelemetry import told

NAME = "traces.json"
_ATTACHMENTS = "attachments"
_REQUEST_ID = "mlflow.traceRequestId"
_OLD = "mlflow-python-client/2."
_STATUS = ("UNSET", "OK", "ERROR")


class Asked(Struct):
    request_id: str | None = None
    path: str | None = None
    """Of an attachment; none: the spans."""


async def send(
    services: Services, asked: Asked, request: Request[Any, Any, Any]
) -> Stream | WholeFile | Sent:
    """As MLflow's page asks. Raises MlflowError, NotFound."""
    if not asked.request_id:
        raise MlflowError('Request must include the "request_id" query parameter.', "BAD_REQUEST")
    files = TraceFiles(asked.request_id)
    if asked.path:
        return await sending.send(services, files, f"{_ATTACHMENTS}/{addresses.clean(asked.path)}", request)
    spans = await _spans(services, asked.request_id)
    if spans is None:
        return await sending.send(services, files, NAME, request)
    return Sent(msgspec.json.encode({"spans": [_third(each) for each in spans]}), JSON)


async def in_place_of_file(services: Services, address: str, request: Request[Any, Any, Any]) -> Sent | None:
    """What an artifact's address gives where it is that of the spans, and nobody put a file there; else None.

    Clients of 2.x cannot read the files of those of 3.x, so they are given the spans themselves wherever they came.
    """
    tree, path = addresses.find(address)
    if path != NAME or not isinstance(tree, TraceFiles):
        return None
    is_old = request.headers.get("user-agent", "").startswith(_OLD)
    spans = await _spans(services, tree.trace_id, despite_file=is_old)
    if not spans:
        return None
    root = [_attributes(each) for each in spans if each.parent_id is None][:1]
    whole = {
        "request": root[0].get("mlflow.spanInputs") if root else None,
        "response": root[0].get("mlflow.spanOutputs") if root else None,
    }
    return Sent(msgspec.json.encode({"spans": [_second(each) for each in spans], **whole}), JSON)


async def _spans(services: Services, trace_id: str, *, despite_file: bool = False) -> list[Span] | None:
    """None: they are a file. Raises NotFound."""

    def work(read: Read) -> list[Span] | None:
        service.get(read, trace_id)
        if not despite_file and any(file.path == NAME for file in store.files_of(read, trace_id)):
            return None
        return span_store.of_traces(read, [trace_id])[trace_id]

    return await services.database.read(work)


def _second(span: Span) -> dict[str, Any]:
    """As clients of 2.x write and read them; those of 3.x read them, too."""
    given = msgspec.json.decode(span.told)
    status = given.get("status", {})
    return {
        "name": span.name,
        "context": {"trace_id": f"0x{b64decode(given['trace_id']).hex()}", "span_id": f"0x{span.id}"},
        "parent_id": f"0x{span.parent_id}" if span.parent_id else None,
        "start_time": span.began_ns,
        "end_time": span.ended_ns,
        "status_code": _status(given),
        "status_message": status.get("message", ""),
        "attributes": _attributes(span),
        "events": [
            {
                "name": event.get("name", ""),
                "timestamp": int(event.get("time_unix_nano", 0)),
                "attributes": told.plain(event.get("attributes", ())),
            }
            for event in given.get("events", ())
        ],
    }


def _third(span: Span) -> dict[str, Any]:
    """As clients of 3.x write them into files."""
    given = msgspec.json.decode(span.told)
    events = (
        {**each, "attributes": told.plain(each.get("attributes", ()))} for each in given.get("events", ())
    )
    return {
        "trace_id": given["trace_id"],
        "span_id": given["span_id"],
        "parent_span_id": given.get("parent_span_id", ""),
        "name": span.name,
        "start_time_unix_nano": span.began_ns,
        "end_time_unix_nano": span.ended_ns,
        "events": list(events),
        "status": {
            "code": f"STATUS_CODE_{_status(given)}",
            "message": given.get("status", {}).get("message", ""),
        },
        "attributes": _attributes(span),
        "links": [_link(each) for each in given.get("links", ())],
    }


def _link(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "trace_id": f"{told.TRACE}{b64decode(given.get('trace_id', '')).hex()}",
        "span_id": b64decode(given.get("span_id", "")).hex(),
        "attributes": told.plain(given.get("attributes", ())) or None,
    }


def _status(given: dict[str, Any]) -> str:
    code = given.get("status", {}).get("code", 0)
    return _STATUS[code] if 0 <= code < len(_STATUS) else _STATUS[0]


def _attributes(span: Span) -> dict[str, str]:
    """Each as JSON, as MLflow's clients keep them."""
    values = {**told.plain(msgspec.json.decode(span.told).get("attributes", ())), _REQUEST_ID: span.trace_id}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
