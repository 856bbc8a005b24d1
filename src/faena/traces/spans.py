"""The spans of a trace, wherever they are: rows where each came by itself, else a file. Bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from faena.db import Database, Read
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.lanes import for_bytes
from faena.objects.service import Objects
from faena.traces import conventions, service, span_files, span_store, store, tree
from faena.traces.model import Span, TraceFile
from faena.traces.opentelemetry import told
from faena.traces.schemas import SpanEvent, WholeSpan
from faena.traces.tree import Placed


async def outline(database: Database, objects: Objects, trace_id: str) -> list[Placed]:
    """All of them as a tree is read; those that are rows without what they told.

    Raises NotFound for no trace, UserErrorException for a file that cannot be read.
    """

    def work(read: Read) -> tuple[list[Span], TraceFile | None]:
        service.get(read, trace_id)
        found = span_store.outline(read, trace_id)
        return found, None if found else _file(read, trace_id)

    found, file = await database.read(work)
    if file is not None:
        found = await _parsed(objects, trace_id, file)
    return await asyncio.to_thread(tree.placed, found)


async def one(database: Database, objects: Objects, trace_id: str, span_id: str) -> WholeSpan:
    """Raises NotFound, also for a span that the trace does not have, and UserErrorException as `outline`."""

    def work(read: Read) -> tuple[Span | None, TraceFile | None]:
        service.get(read, trace_id)
        found = span_store.get(read, trace_id, span_id)
        return found, None if found else _file(read, trace_id)

    found, file = await database.read(work)
    if file is not None:
        there = await _parsed(objects, trace_id, file)
        found = next((span for span in there if span.id == span_id), None)
    if found is None:
        raise NotFound(f"The trace {trace_id[:100]} has no span {span_id[:100]!r}.")
    return await asyncio.to_thread(whole, found)


def whole(span: Span) -> WholeSpan:
    given = msgspec.json.decode(span.told)
    attributes = told.plain(given.get("attributes", ()))
    taken = (*conventions.REQUESTS, *conventions.RESPONSES)
    return WholeSpan(
        id=span.id,
        inputs=_value(conventions.first(attributes, conventions.REQUESTS)),
        outputs=_value(conventions.first(attributes, conventions.RESPONSES)),
        message=str(given.get("status", {}).get("message", "")),
        attributes={name: value for name, value in attributes.items() if name not in taken},
        events=[_event(each) for each in given.get("events", ())],
        links=[found for each in given.get("links", ()) if (found := told.trace_of(each))],
    )


def _event(given: Mapping[str, Any]) -> SpanEvent:
    attributes = told.plain(given.get("attributes", ()))
    return SpanEvent(int(given.get("time_unix_nano", 0)), str(given.get("name", "")), attributes)


def _value(told_value: Any) -> Any:
    """What a text that is JSON says."""
    if not isinstance(told_value, str):
        return told_value
    try:
        return msgspec.json.decode(told_value)
    except (msgspec.DecodeError, RecursionError):
        return told_value


def _file(read: Read, trace_id: str) -> TraceFile | None:
    return next((each for each in store.files_of(read, trace_id) if each.path == span_files.NAME), None)


async def _parsed(objects: Objects, trace_id: str, file: TraceFile) -> list[Span]:
    if file.size > span_files.MOST_BYTES:
        raise UserErrorException(
            f"The spans of the trace {trace_id} are a file of {file.size:,} bytes; at most "
            f"{span_files.MOST_BYTES:,} are read. Fetch it with MLflow's client."
        )
    data = b"".join([part async for part in await objects.read(file.digest)])
    return await for_bytes(len(data)).run(span_files.parse, data, trace_id)
