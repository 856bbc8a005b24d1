"""Spans as OpenTelemetry's exporters send them, those of MLflow's own clients among them: `POST /v1/traces`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request
from msgspec import Struct

from faena.db import Read, Write
from faena.kernel import lanes
from faena.mlflow import bodies, callers, found
from faena.mlflow.callers import Caller
from faena.mlflow.errors import MISSING, MlflowError
from faena.mlflow.services import Services
from faena.mlflow.tracing import facts
from faena.traces import recording, service, store
from faena.traces.opentelemetry import told
from faena.traces.opentelemetry.shapes import Unreadable
from faena.traces.opentelemetry.told import Told, WrongSpan

EXPERIMENT, RUN = "x-mlflow-experiment-id", "x-mlflow-run-id"
MOST_BYTES = 16 << 20
"""Of a body as it is sent."""
MOST_SPANS, MOST_TRACES = 10_000, 2_000
"""Of a request: 0.1 ms for each span, and 0.8 for each trace."""
PROTOBUF, JSON = "application/x-protobuf", "application/json"
_AT_ONCE = 32 << 10
"""Bytes of a body that are read so fast that nobody waits for it."""
_WRONG_SPAN = 422


class Sent(Struct, frozen=True):
    """An answer as it goes out."""

    body: bytes
    kind: str


async def take(services: Services, request: Request[Any, Any, Any], caller: Caller | None) -> Sent:
    """`caller`: whose the token is where it is a run's. All spans of a request are kept, or none of them.

    Raises MlflowError: with the status 422 for spans that are none, and where no experiment is named.
    """
    kind = _kind(request.headers.get("content-type", ""))
    experiment = request.headers.get(EXPERIMENT, "")
    if not experiment:
        raise MlflowError(f"Name the experiment by its number in a header: {EXPERIMENT}.", status=_WRONG_SPAN)
    run_id = request.headers.get(RUN) or None
    body = await bodies.whole(request.receive, MOST_BYTES)
    spans = await _read(body, request.headers.get("content-encoding", ""), is_json=kind == JSON)
    _check_number(spans)
    if spans:
        await services.database.write(lambda write: _keep(write, spans, experiment, run_id, caller))
    return Sent(b"{}" if kind == JSON else b"", kind)


def _check_number(spans: Sequence[Told]) -> None:
    """They are kept in one transaction, for which all others wait. Raises MlflowError."""
    traces = len({each.span.trace_id for each in spans})
    if len(spans) > MOST_SPANS or traces > MOST_TRACES:
        raise MlflowError(
            f"A request has at most {MOST_SPANS:,} spans, of {MOST_TRACES:,} traces, not {len(spans):,} of {traces:,}. "
            "Have the exporter send smaller batches.",
            "BAD_REQUEST",
        )


def _kind(content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (PROTOBUF, JSON):
        raise MlflowError(
            f"Invalid Content-Type: {content_type[:100]}. Expected: {PROTOBUF} or {JSON}", "BAD_REQUEST"
        )
    return kind


async def _read(body: bytes, encoding: str, *, is_json: bool) -> list[Told]:
    def work() -> list[Told]:
        return told.read(told.unpacked(body, encoding), is_json=is_json)

    try:
        plain = len(body) <= _AT_ONCE and not encoding
        found_spans = work() if plain else await lanes.for_bytes(len(body)).run(work)
    except WrongSpan as error:
        raise MlflowError(
            f"Cannot convert OpenTelemetry span to MLflow span: {error}.", status=_WRONG_SPAN
        ) from error
    except Unreadable as error:
        raise MlflowError(f"Invalid OpenTelemetry format: {error}.", "BAD_REQUEST") from error
    return found_spans


def _keep(
    write: Write, spans: Sequence[Told], experiment: str, run_id: str | None, caller: Caller | None
) -> None:
    number = found.active_experiment(write, experiment).id or 0
    made_in = None
    if caller is not None:
        callers.check_experiment(caller, experiment)
        made_in = run_id or caller.run_id
        callers.check(write, caller, made_in)
        _check_own(write, caller, spans)
    of_trace: dict[str, list[Told]] = defaultdict(list)
    for each in spans:
        of_trace[each.span.trace_id].append(each)
    known: Mapping[str, recording.Facts] = {
        trace_id: facts.of_trace(trace_id, mine, number, made_in) for trace_id, mine in of_trace.items()
    }
    kept = [msgspec.structs.replace(each.span, kind=facts.kind(each)) for each in spans]
    recording.add_spans(write, kept, known, number, made_in)
    if caller is None and run_id is not None:
        _link(write, of_trace, run_id)


def _check_own(read: Read, caller: Caller, spans: Sequence[Told]) -> None:
    """Of traces that are there already. Raises MlflowError."""
    for trace in service.get_each(read, [each.span.trace_id for each in spans]):
        callers.check_trace(read, caller, trace.id)


def _link(write: Write, of_trace: Mapping[str, Sequence[Told]], run_id: str) -> None:
    """Those whose first span came. A run that there is not loses nobody a span."""
    try:
        run = found.run(write, run_id)
    except MlflowError as error:
        if error.code != MISSING:
            raise
        return
    whole = [each for each, mine in of_trace.items() if any(one.span.parent_id is None for one in mine)]
    store.link(write, whole, run.id)
