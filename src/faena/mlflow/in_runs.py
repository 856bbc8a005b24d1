"""What is answered to the token of a run, where it is not what the workspace's token gets.

Each route that says nothing else is for the run itself and those below it: see `answer`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from faena.db import Read
from faena.mlflow import callers, experiments, logged_models, runs
from faena.mlflow.artifacts import addresses
from faena.mlflow.artifacts.trees import LoggedModelFiles, RegisteredFiles, RunFiles, TraceFiles
from faena.mlflow.callers import Caller
from faena.mlflow.run_tokens import RunOfToken
from faena.mlflow.services import Services
from faena.mlflow.words import PARENT, Pair

Answer = Callable[[Services, Any], Awaitable[Any]]
_SURE_S = 1.0
_MOST_KNOWN = 1000
InRun = Callable[[Services, Caller, Any], Awaitable[Any]]


async def answer(
    services: Services, token: RunOfToken, usual: Answer, in_run: InRun | None, asked: Any
) -> Any:
    """`usual`: what answers the workspace's token, and that of a run which the request names, too.

    `in_run`: what answers instead, and sees to it what is allowed. Raises MlflowError for what is not.
    """
    caller = await caller_of(services, token)
    if in_run is not None:
        return await in_run(services, caller, asked)
    if not callers.names_itself_alone(caller, asked):
        await services.database.read(lambda read: callers.check_named(read, caller, asked))
    return await usual(services, asked)


async def check_named(services: Services, token: RunOfToken, asked: Any) -> None:
    """Raises MlflowError where a request that has no route names another run or logged model than the token's."""
    caller = await caller_of(services, token)
    await services.database.read(lambda read: callers.check_named(read, caller, asked))


async def check_files(services: Services, token: RunOfToken, address: str) -> None:
    """Raises MlflowError where the files at this address are not the token's to have."""
    caller = await caller_of(services, token)
    tree, _ = addresses.find(address)

    def work(read: Read) -> None:
        match tree:
            case RunFiles():
                callers.check(read, caller, tree.run_id)
            case LoggedModelFiles():
                callers.check_model(read, caller, tree.model_id)
            case TraceFiles():
                callers.check_trace(read, caller, tree.trace_id)
            case RegisteredFiles():
                pass  # every run may read models, and nobody changes a version's files
            case _:
                raise callers.refused(caller, "these files")

    await services.database.read(work)


async def caller_of(services: Services, token: RunOfToken) -> Caller:
    """Looked up once a second: points come one by one, and a token lasts minutes longer than its run anyway."""
    known = services.callers.get(token)
    if known is not None and services.clock.monotonic() < known[0]:
        return known[1]
    now = services.now()
    found = await services.database.read(lambda read: callers.of_token(read, token, now))
    if len(services.callers) >= _MOST_KNOWN:
        services.callers.clear()
    services.callers[token] = (services.clock.monotonic() + _SURE_S, found)
    return found


def as_usual(usual: Answer) -> InRun:
    """For what concerns no run, and every run's token may ask."""
    return lambda services, caller, asked: usual(services, asked)


async def experiment_by_name(services: Services, caller: Caller, asked: experiments.ByName) -> Any:
    """The run's own, whatever the name: a script that sets an experiment of its own logs into its run."""
    return {"experiment": experiments.shown(caller.experiment)}


async def create_experiment(services: Services, caller: Caller, asked: experiments.Create) -> Any:
    return {"experiment_id": str(caller.experiment.id)}


async def experiment(services: Services, caller: Caller, asked: experiments.ById) -> Any:
    callers.check_experiment(caller, asked.experiment_id)
    return {"experiment": experiments.shown(caller.experiment)}


def search_experiments(services: Services, caller: Caller, asked: experiments.Search) -> Any:
    return experiments.search(services, asked, only=caller.experiment.id)


async def create_run(services: Services, caller: Caller, asked: runs.Create) -> Any:
    """Below the caller's, where it names no other of its own; in the same experiment."""
    if asked.experiment_id not in (None, "", "0"):
        callers.check_experiment(caller, asked.experiment_id)
    parents = [tag.value for tag in asked.tags if tag.key == PARENT and tag.value]
    await services.database.read(lambda read: callers.check(read, caller, *parents))
    tags = asked.tags if parents else [*asked.tags, Pair(PARENT, caller.run_id)]
    own = str(caller.experiment.id)
    return await runs.create(services, msgspec.structs.replace(asked, experiment_id=own, tags=tags))


def search_runs(services: Services, caller: Caller, asked: runs.Search) -> Any:
    for number in asked.experiment_ids:
        callers.check_experiment(caller, number)
    return runs.search(services, asked, within=callers.own_runs(caller))


async def create_logged_model(services: Services, caller: Caller, asked: logged_models.Create) -> Any:
    """Of the caller's run, where it names none below it."""
    callers.check_experiment(caller, asked.experiment_id)
    run_id = asked.source_run_id or caller.run_id
    await services.database.read(lambda read: callers.check(read, caller, run_id))
    return await logged_models.create(services, msgspec.structs.replace(asked, source_run_id=run_id))


def search_logged_models(services: Services, caller: Caller, asked: logged_models.Search) -> Any:
    for number in asked.experiment_ids:
        callers.check_experiment(caller, number)
    return logged_models.search(services, asked, within=callers.own_runs(caller))
