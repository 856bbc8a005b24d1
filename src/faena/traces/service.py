"""Use cases of traces."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from faena.db import Read, Write
from faena.db.hiding import EVERYTHING
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.objects import store as objects
from faena.traces import assessment_store, store
from faena.traces.model import Trace, TraceFile, TraceStatus


def new_id() -> str:
    return f"tr-{os.urandom(16).hex()}"


def get(read: Read, trace_id: str) -> Trace:
    """Raises NotFound."""
    found = store.get(read, trace_id)
    if found is None:
        raise NotFound(f"Trace with ID '{trace_id[:100]}' not found.")
    return found


def get_each(read: Read, trace_ids: Sequence[str], *where: sa.ColumnElement[bool]) -> list[Trace]:
    """Those that there are, in this order, each once."""
    wanted = list(dict.fromkeys(trace_ids))
    found = {
        trace.id: trace
        for trace in store.find(read, [store.traces.c.id.in_(wanted), *where], [], 0, len(wanted))
    }
    return [found[each] for each in wanted if each in found]


def end(
    write: Write,
    trace_id: str,
    status: TraceStatus,
    at: Micros,
    tags: Mapping[str, str],
    metadata: Mapping[str, str],
) -> Trace:
    """`tags` and `metadata` are added, or replace those of the same key. Raises NotFound."""
    get(write, trace_id)
    store.change(write, trace_id, {"status": status.value, "ended_at": at})
    store.set_labels(write, trace_id, store.TAG, tags)
    store.set_labels(write, trace_id, store.METADATA, metadata)
    return get(write, trace_id)


def tell(write: Write, trace: Trace) -> Trace:
    """Keep a trace as its application tells it; of one whose spans came before, that counts from now on.

    What is not told of stays: tags, metadata and assessments of other keys, the request and the response. It moves to
    another experiment for owners alone: in one that somebody keeps to themselves it would be gone for others.
    """
    assessments, known = trace.assessments, store.get(write, trace.id)
    if known is None:
        store.add(write, trace)
    else:
        trace = _changed(write, known, trace)
    for assessment in assessments:
        assessment_store.put(write, assessment)
    return get(write, trace.id) if assessments else trace


def _changed(write: Write, known: Trace, told: Trace) -> Trace:
    kept = {"run_id": told.run_id, "request": told.request, "response": told.response}
    changes = {
        "experiment_id": told.experiment_id if write.view is EVERYTHING else known.experiment_id,
        "began_at": told.began_at,
        "ended_at": told.ended_at,
        "client_request_id": told.client_request_id,
        **{name: value for name, value in kept.items() if value is not None},
    }
    more = {"status": told.status.value, "is_whole": int(told.is_whole)}
    store.change(write, told.id, {**changes, **more})
    store.set_labels(write, told.id, store.TAG, told.tags)
    store.set_labels(write, told.id, store.METADATA, told.metadata)
    return msgspec.structs.replace(
        known,
        **changes,
        status=told.status,
        is_whole=told.is_whole,
        tags=known.tags | told.tags,
        metadata=known.metadata | told.metadata,
    )


def change_tags(write: Write, trace_id: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
    """Raises NotFound, and UserErrorException for a key that is none."""
    get(write, trace_id)
    for key in (*added, *removed):
        if not key or len(key) > _LONGEST_KEY:
            raise UserErrorException(
                f"{key[:80]!r} is no key of a tag. Use a text of 1 to {_LONGEST_KEY} characters."
            )
    store.set_labels(
        write, trace_id, store.TAG, {key: value[:_LONGEST_VALUE] for key, value in added.items()}
    )
    for key in removed:
        store.remove_tag(write, trace_id, key)


_LONGEST_KEY, _LONGEST_VALUE = 250, 8000


def remove_tag(write: Write, trace_id: str, key: str) -> None:
    """Raises NotFound, also where it has no such tag."""
    if key not in get(write, trace_id).tags:
        raise NotFound(f"No trace tag with key '{key[:250]}' for trace with ID '{trace_id}'.")
    store.remove_tag(write, trace_id, key)


def delete(
    write: Write,
    experiment_id: int,
    *,
    ids: Sequence[str] = (),
    until: Micros | None = None,
    most: int | None = None,
) -> int:
    """Delete traces of an experiment: those of `ids`, or the oldest that began at `until` or before; how many."""
    where = [store.traces.c.experiment_id == experiment_id]
    where.append(store.traces.c.id.in_(ids) if until is None else store.traces.c.began_at <= until)
    limit = len(ids) if until is None else most
    deleted = 0
    while limit is None or deleted < limit:
        wanted = _TOGETHER if limit is None else min(_TOGETHER, limit - deleted)
        gone = [each.id for each in store.find(write, where, [store.traces.c.began_at], 0, wanted)]
        if not gone:
            break
        store.delete(write, gone)
        deleted += len(gone)
    return deleted


_TOGETHER = 500


def link(write: Write, trace_ids: Sequence[str], run_id: str) -> None:
    """Put traces to a run besides the one in which they were made; those that are not there are passed over."""
    store.link(write, [trace.id for trace in get_each(write, trace_ids)], run_id)


def put_file(write: Write, trace_id: str, file: TraceFile, now: Micros) -> None:
    """Add a file whose bytes are in the object store, or replace that of the same path. Raises NotFound."""
    get(write, trace_id)
    objects.touch(write, {file.digest: file.size}, now)
    store.put_file(write, trace_id, file)
