"""Traces by the third version of MLflow's protocol: they are told of as a whole, at their end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, found, paging
from faena.mlflow.artifacts import addresses
from faena.mlflow.errors import MISSING, MlflowError, invalid_value, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import traces as filters
from faena.mlflow.services import Services
from faena.mlflow.tracing import labels, times, views
from faena.mlflow.tracing.assessments import Given, made
from faena.mlflow.words import ARTIFACT_LOCATION, SIZE_STATS, SOURCE_RUN
from faena.traces import service, span_store, store
from faena.traces.model import Span, Trace, TraceStatus

_DEFAULT, _MOST = 100, 500
_MOST_IDS = 1000
_LONGEST_PREVIEW = 10_000
_ID = re.compile(r"[\w.:\-]{1,64}")
_TRIES, _PAUSE_S = 12, 0.25
"""How long the spans of a trace are waited for that are still on their way."""


class InExperiment(Struct):
    experiment_id: str | None = None


class Location(Struct):
    type: str | int | None = None
    mlflow_experiment: InExperiment | None = None


class Info(Struct):
    trace_id: str | None = None
    client_request_id: str | None = None
    trace_location: Location | None = None
    request_preview: str | None = None
    response_preview: str | None = None
    request_time: str | None = None
    execution_duration: str | None = None
    state: str | int | None = None
    trace_metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    assessments: list[Given] = []


class Whole(Struct):
    trace_info: Info | None = None


class Start(Struct):
    trace: Annotated[Whole | None, REQUIRED] = None


class ById(Struct):
    trace_id: Annotated[str | None, REQUIRED] = None
    allow_partial: bool = False


class ByPath(Struct):
    trace_id: str = ""


class ByIds(Struct):
    trace_ids: list[str] = []
    experiment_ids: list[str] | None = None


class Search(Struct):
    locations: list[Location] | None = None
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] = []
    page_token: str | None = None


class SetTag(Struct):
    trace_id: str = ""
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


def start(services: Services, asked: Start) -> Any:
    given = asked.trace.trace_info if asked.trace is not None else None
    if given is None:
        raise missing_value("trace.trace_info")
    now = services.now()

    def work(write: Write) -> dict[str, Any]:
        experiment = found.active_experiment(write, experiment_of(given)).id or 0
        told = _told(given, experiment, now)
        told = service.tell(write, msgspec.structs.replace(told, run_id=found.made_in(write, told.run_id)))
        return {"trace": {"trace_info": views.info(told)}}

    return services.database.write(work)


def experiment_of(given: Info) -> str | None:
    where = given.trace_location
    return None if where is None or where.mlflow_experiment is None else where.mlflow_experiment.experiment_id


def _told(given: Info, experiment: int, now: int) -> Trace:
    if not given.trace_id:
        raise missing_value("trace_id")
    if not _ID.fullmatch(given.trace_id):
        raise invalid_value("trace_id", given.trace_id, "at most 64 letters, digits and characters of _-.:")
    began = now if given.request_time is None else times.read(given.request_time, "request_time")
    took = times.read_length(given.execution_duration, "execution_duration")
    metadata = labels.read(given.trace_metadata)
    where = {ARTIFACT_LOCATION: addresses.of_trace(experiment, given.trace_id)}
    return Trace(
        id=given.trace_id,
        experiment_id=experiment,
        began_at=began,
        ended_at=None if took is None else began + took,
        run_id=metadata.get(SOURCE_RUN),
        status=TraceStatus.IN_PROGRESS if given.state is None else filters.status(given.state, "state"),
        tags=labels.read(given.tags) | where,
        metadata=metadata,
        request=_preview(given.request_preview),
        response=_preview(given.response_preview),
        client_request_id=given.client_request_id,
        is_whole=True,
        assessments=[made(each, given.trace_id, now) for each in given.assessments],
    )


def _preview(given: str | None) -> str | None:
    return None if given is None else given[:_LONGEST_PREVIEW]


def info(services: Services, asked: ByPath) -> Any:
    return services.database.read(
        lambda read: {"trace": {"trace_info": views.info(service.get(read, asked.trace_id))}}
    )


async def get(services: Services, asked: ById) -> Any:
    trace_id = asked.trace_id or ""

    def work(read: Read) -> tuple[Trace, Sequence[Span]]:
        return service.get(read, trace_id), span_store.of_traces(read, [trace_id])[trace_id]

    for _ in range(_TRIES):
        trace, spans = await services.database.read(work)
        if asked.allow_partial or _is_complete(trace, spans):
            return {"trace": views.whole(trace, spans)}
        await asyncio.sleep(_PAUSE_S)
    raise MlflowError(
        f"Trace with ID {trace_id} is not fully exported yet: some of its spans have not come. Ask again later, or "
        "with allow_partial.",
        MISSING,
    )


def _is_complete(trace: Trace, spans: Sequence[Span]) -> bool:
    """As far as its application told how many spans there are."""
    if not views.spans_are_here(trace):
        return True
    try:
        told = msgspec.json.decode(trace.metadata.get(SIZE_STATS, "{}"))
        wanted = told.get("num_spans", 0) if isinstance(told, dict) else 0
    except msgspec.DecodeError:
        return True
    return not isinstance(wanted, int) or len(spans) >= max(wanted, 1)


def get_many(services: Services, asked: ByIds) -> Any:
    """Only those all of whose spans are there."""
    where = _wanted(asked)

    def work(read: Read) -> dict[str, Any]:
        traces = service.get_each(read, asked.trace_ids, *where)
        spans = span_store.of_traces(read, [trace.id for trace in traces])
        complete = [trace for trace in traces if _is_complete(trace, spans[trace.id])]
        return {"traces": [views.whole(trace, spans[trace.id]) for trace in complete]}

    return services.database.read(work)


def infos(services: Services, asked: ByIds) -> Any:
    where = _wanted(asked)
    return services.database.read(
        lambda read: {
            "trace_infos": [views.info(each) for each in service.get_each(read, asked.trace_ids, *where)]
        }
    )


def _wanted(asked: ByIds) -> list[sa.ColumnElement[bool]]:
    if not asked.trace_ids:
        raise missing_value("trace_ids")
    if len(asked.trace_ids) > _MOST_IDS:
        raise invalid_value("trace_ids", len(asked.trace_ids), f"at most {_MOST_IDS} of them")
    if asked.experiment_ids is None:
        return []
    experiments = checks.experiment_ids(asked.experiment_ids)
    return [store.traces.c.experiment_id.in_(experiments)]


def search(services: Services, asked: Search, within: sa.CompoundSelect[Any] | None = None) -> Any:
    """`within`: the ids of the runs whose traces may be found; None: all."""
    experiments = checks.experiment_ids(experiments_of(asked), "locations")
    if asked.locations is None:
        raise missing_value("locations")
    most = checks.most(asked.max_results, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
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
        return {"traces": [views.info(trace) for trace in traces], **more}

    return services.database.read(work)


def experiments_of(asked: Search) -> list[str | None]:
    return [
        each.mlflow_experiment.experiment_id
        for each in asked.locations or ()
        if each.mlflow_experiment is not None
    ]


def set_tag(services: Services, asked: SetTag) -> Any:
    tags = labels.one(asked.key, asked.value)

    def work(write: Write) -> None:
        service.get(write, asked.trace_id)
        store.set_labels(write, asked.trace_id, store.TAG, tags)

    return services.database.write(work)


def delete_tag(services: Services, asked: SetTag) -> Any:
    labels.check_mutable(asked.key, "deleted")
    return services.database.write(lambda write: service.remove_tag(write, asked.trace_id, asked.key or ""))
