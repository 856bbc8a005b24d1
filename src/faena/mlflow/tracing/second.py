"""Traces by the second version of MLflow's protocol: each is begun, then ended, and its spans are a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, found, paging
from faena.mlflow.artifacts import addresses
from faena.mlflow.errors import MlflowError, invalid_value, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import traces as filters
from faena.mlflow.services import Services
from faena.mlflow.tracing import labels
from faena.mlflow.words import ARTIFACT_LOCATION, SOURCE_RUN, Pair, micros, millis, pairs
from faena.traces import service, store
from faena.traces.model import Trace

_DEFAULT, _MOST = 100, 500
_MOST_DELETED = 10_000


class Start(Struct):
    experiment_id: Annotated[str | None, REQUIRED] = None
    timestamp_ms: int | None = None
    request_metadata: list[Pair] = []
    tags: list[Pair] = []


class ById(Struct):
    request_id: str = ""


class End(ById):
    timestamp_ms: int | None = None
    status: str | int | None = None
    request_metadata: list[Pair] = []
    tags: list[Pair] = []


class SetTag(ById):
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


class Search(Struct):
    experiment_ids: list[str] = []
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] = []
    page_token: str | None = None


class Delete(Struct):
    experiment_id: Annotated[str | None, REQUIRED] = None
    max_timestamp_millis: int | None = None
    max_traces: int | None = None
    request_ids: list[str] = []


def start(services: Services, asked: Start) -> Any:
    began = services.now() if asked.timestamp_ms is None else micros(asked.timestamp_ms, "timestamp_ms")
    metadata, tags, trace_id = _values(asked.request_metadata), _values(asked.tags), service.new_id()

    def work(write: Write) -> dict[str, Any]:
        experiment = found.active_experiment(write, asked.experiment_id).id or 0
        where = {ARTIFACT_LOCATION: addresses.of_trace(experiment, trace_id)}
        run_id = found.made_in(write, metadata.get(SOURCE_RUN))
        store.add(write, Trace(trace_id, experiment, began, run_id, tags=tags | where, metadata=metadata))
        return {"trace_info": _info(service.get(write, trace_id))}

    return services.database.write(work)


def end(services: Services, asked: End) -> Any:
    status, at = filters.status(asked.status, "status"), services.now()
    if asked.timestamp_ms is not None:
        at = micros(asked.timestamp_ms, "timestamp_ms")
    metadata, tags = _values(asked.request_metadata), _values(asked.tags)
    return services.database.write(
        lambda write: {"trace_info": _info(service.end(write, asked.request_id, status, at, tags, metadata))}
    )


def info(services: Services, asked: ById) -> Any:
    return services.database.read(lambda read: {"trace_info": _info(service.get(read, asked.request_id))})


def search(services: Services, asked: Search, within: sa.CompoundSelect[Any] | None = None) -> Any:
    """`within`: the ids of the runs whose traces may be found; None: all."""
    most = checks.most(asked.max_results, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
    if not asked.experiment_ids:
        raise missing_value("experiment_ids")
    experiments = checks.experiment_ids(asked.experiment_ids)
    where = [
        store.is_there(),
        store.traces.c.experiment_id.in_(experiments),
        *filters.conditions(asked.filter),
    ]
    if within is not None:
        where.append(store.traces.c.run_id.in_(within))
    order = filters.orders(asked.order_by)

    def work(read: Read) -> dict[str, Any]:
        traces, more = paging.page(store.find(read, where, order, first, most + 1), first, most)
        return {"traces": [_info(trace) for trace in traces], **more}

    return services.database.read(work)


def delete(services: Services, asked: Delete) -> Any:
    by_time = asked.max_timestamp_millis is not None
    if by_time is bool(asked.request_ids):
        raise MlflowError("Either `max_timestamp_millis` or `request_ids` must be specified, but not both.")
    if asked.request_ids and asked.max_traces is not None:
        raise MlflowError("`max_traces` can't be specified if `request_ids` is specified.")
    if asked.max_traces is not None and asked.max_traces < 1:
        raise invalid_value("max_traces", asked.max_traces, "a positive integer")
    checks.few(asked.request_ids, _MOST_DELETED, "request_ids")
    until = None if asked.max_timestamp_millis is None else asked.max_timestamp_millis * 1000

    def work(write: Write) -> dict[str, Any]:
        experiment = found.experiment(write, asked.experiment_id).id or 0
        ids, most = asked.request_ids, asked.max_traces
        return {"traces_deleted": service.delete(write, experiment, ids=ids, until=until, most=most)}

    return services.database.write(work)


def set_tag(services: Services, asked: SetTag) -> Any:
    tags = labels.one(asked.key, asked.value)

    def work(write: Write) -> None:
        service.get(write, asked.request_id)
        store.set_labels(write, asked.request_id, store.TAG, tags)

    return services.database.write(work)


def delete_tag(services: Services, asked: SetTag) -> Any:
    labels.check_mutable(asked.key, "deleted")
    return services.database.write(lambda write: service.remove_tag(write, asked.request_id, asked.key or ""))


def _info(trace: Trace) -> dict[str, Any]:
    took = 0 if trace.ended_at is None else max(0, trace.ended_at - trace.began_at)
    return {
        "request_id": trace.id,
        "experiment_id": str(trace.experiment_id),
        "timestamp_ms": millis(trace.began_at),
        "execution_time_ms": millis(took),
        "status": filters.WORDS[trace.status],
        "request_metadata": pairs(trace.metadata),
        "tags": pairs(trace.tags),
    }


def _values(given: Sequence[Pair]) -> dict[str, str]:
    return labels.read({pair.key or "": pair.value for pair in given})
