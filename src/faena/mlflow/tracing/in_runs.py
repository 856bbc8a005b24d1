"""What a run's token may do with traces: tell of its own, and find them."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.db import Read
from faena.mlflow import callers
from faena.mlflow.callers import Caller
from faena.mlflow.services import Services
from faena.mlflow.tracing import second, third
from faena.mlflow.words import SOURCE_RUN, Pair
from faena.traces import store


async def start(services: Services, caller: Caller, asked: second.Start) -> Any:
    """Of the caller's run, where it names none below it."""
    callers.check_experiment(caller, asked.experiment_id)
    named = [pair.value for pair in asked.request_metadata if pair.key == SOURCE_RUN and pair.value]
    await services.database.read(lambda read: callers.check(read, caller, *named))
    own = () if named else (Pair(SOURCE_RUN, caller.run_id),)
    metadata = [*asked.request_metadata, *own]
    return await second.start(services, msgspec.structs.replace(asked, request_metadata=metadata))


async def end(services: Services, caller: Caller, asked: second.End) -> Any:
    """The caller's, which stays with its runs."""
    named = [pair.value for pair in asked.request_metadata if pair.key == SOURCE_RUN and pair.value]

    def check(read: Read) -> None:
        callers.check_trace(read, caller, asked.request_id)
        callers.check(read, caller, *named)

    await services.database.read(check)
    return await second.end(services, asked)


async def tell(services: Services, caller: Caller, asked: third.Start) -> Any:
    """The same; one that is there must be the caller's already."""
    given = asked.trace.trace_info if asked.trace is not None else None
    if given is not None:
        callers.check_experiment(caller, third.experiment_of(given))
        run_id = given.trace_metadata.get(SOURCE_RUN) or caller.run_id
        trace_id = given.trace_id or ""

        def check(read: Read) -> None:
            callers.check(read, caller, run_id)
            if store.get(read, trace_id) is not None:
                callers.check_trace(read, caller, trace_id)

        await services.database.read(check)
        given.trace_metadata = {**given.trace_metadata, SOURCE_RUN: run_id}
    return await third.start(services, asked)


def search(services: Services, caller: Caller, asked: second.Search) -> Any:
    for number in asked.experiment_ids:
        callers.check_experiment(caller, number)
    return second.search(services, asked, within=callers.own_runs(caller))


def find(services: Services, caller: Caller, asked: third.Search) -> Any:
    for number in third.experiments_of(asked):
        callers.check_experiment(caller, number)
    return third.search(services, asked, within=callers.own_runs(caller))
