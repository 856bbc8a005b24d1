"""HTTP of histories that come from MLflow: many runs a request, in MessagePack. Repeating any has no second effect."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State

from faena.db import Database
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import BYTES
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import SOME_BYTES, Router, told
from faena.mlflow.moving import evaluation_sets, experiments, histories, logged, registry, runs, traces
from faena.mlflow.moving.schemas import (
    EvaluationSets,
    ExperimentGiven,
    ExperimentTaken,
    LoggedModels,
    Models,
    Runs,
    Taken,
    Traces,
)
from faena.objects.service import Objects

T = TypeVar("T")


@post("/experiments", status_code=200, opt=CONTRIBUTE, summary="Have an experiment of MLflow's here")
async def take_experiment(
    data: ExperimentGiven, database: Database, clock: Clock, look: bool = False
) -> ExperimentTaken:
    now = clock.now()
    if look:
        return await database.read(lambda read: experiments.look(read, data))
    return await database.write(lambda write: experiments.take(write, data, now))


@post(
    "/runs",
    status_code=200,
    opt=CONTRIBUTE,
    responses=told(list[Taken]),
    summary="Have runs of MLflow's here",
    request_max_body_size=LONGEST_LIST,
)
async def take_runs(
    request: Request[None, None, State], database: Database, objects: Objects, clock: Clock
) -> Response[bytes]:
    sent = await _read(request, Runs)
    found = await BYTES.run(
        runs.take, database, objects.files, sent.runs, sent.source[:2000], clock.now(), look=sent.look
    )
    return _answer(found)


@post(
    "/logged-models",
    status_code=200,
    opt=CONTRIBUTE,
    responses=told(list[Taken]),
    summary="Have logged models of MLflow's here",
    request_max_body_size=LONGEST_LIST,
)
async def take_logged_models(
    request: Request[None, None, State], database: Database, clock: Clock
) -> Response[bytes]:
    sent = await _read(request, LoggedModels)
    return _answer(await BYTES.run(logged.take, database, sent.models, clock.now(), look=sent.look))


@post(
    "/models",
    status_code=200,
    opt=CONTRIBUTE,
    responses=told(list[Taken]),
    summary="Have registered models of MLflow's here",
    request_max_body_size=LONGEST_LIST,
)
async def take_models(
    request: Request[None, None, State], database: Database, clock: Clock
) -> Response[bytes]:
    sent = await _read(request, Models)
    return _answer(await BYTES.run(registry.take, database, sent.models, clock.now(), look=sent.look))


@post(
    "/traces",
    status_code=200,
    opt=CONTRIBUTE,
    responses=told(list[Taken]),
    summary="Have traces of MLflow's here",
    request_max_body_size=LONGEST_LIST,
)
async def take_traces(
    request: Request[None, None, State], database: Database, clock: Clock
) -> Response[bytes]:
    sent = await _read(request, Traces)
    return _answer(await BYTES.run(traces.take, database, sent.traces, clock.now(), look=sent.look))


@post(
    "/evaluation-sets",
    status_code=200,
    opt=CONTRIBUTE,
    responses=told(list[Taken]),
    summary="Have evaluation sets of MLflow's here",
    request_max_body_size=LONGEST_LIST,
)
async def take_evaluation_sets(request: Request[None, None, State], database: Database) -> Response[bytes]:
    sent = await _read(request, EvaluationSets)
    return _answer(await BYTES.run(evaluation_sets.take, database, sent.sets, look=sent.look))


@get(
    "/histories",
    opt=READ,
    summary="All points of a run's metrics that are numbers, as arrays",
    media_type=SOME_BYTES,
)
async def tell_histories(run_id: str, database: Database, objects: Objects) -> Response[bytes]:
    found = await database.read(lambda read: histories.told(read, objects.files, run_id), unlimited=True)
    return Response(await asyncio.to_thread(msgspec.msgpack.encode, found), media_type=SOME_BYTES)


async def _read(request: Request[None, None, State], kind: type[T]) -> T:
    body = await request.body()
    try:
        return await asyncio.to_thread(msgspec.msgpack.decode, body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserErrorException(f"The body cannot be read: {error}.") from error


def _answer(found: object) -> Response[bytes]:
    return Response(msgspec.json.encode(found), media_type="application/json")


router = Router(
    "/mlflow-imports",
    route_handlers=[
        *(take_experiment, take_runs, take_logged_models, take_models, take_traces, take_evaluation_sets),
        tell_histories,
    ],
    tags=["MLflow's histories"],
)
