"""What a run's token may do with evaluation sets: read all, and add to those of the run's experiment."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.db import Read
from faena.mlflow import callers
from faena.mlflow import evaluation_sets as sets
from faena.mlflow.callers import Caller
from faena.mlflow.services import Services
from faena.traces.evaluation_sets import service


async def create(services: Services, caller: Caller, asked: sets.Create) -> Any:
    """In the run's experiment, where it names none."""
    for number in asked.experiment_ids:
        callers.check_experiment(caller, number)
    own = [str(caller.experiment.id)]
    return await sets.create(services, msgspec.structs.replace(asked, experiment_ids=own))


async def set_tags(services: Services, caller: Caller, asked: sets.SetTags) -> Any:
    await _check(services, caller, asked.dataset_id)
    return await sets.set_tags(services, asked)


async def upsert(services: Services, caller: Caller, asked: sets.Upsert) -> Any:
    await _check(services, caller, asked.dataset_id)
    return await sets.upsert(services, asked)


async def _check(services: Services, caller: Caller, set_id: str) -> None:
    """Raises MlflowError for a set that is not of the run's experiment, NotFound for none."""

    def work(read: Read) -> None:
        if caller.experiment.id not in service.get(read, set_id).experiment_ids:
            raise callers.refused(
                caller, f"the evaluation set {set_id[:100]}, which is not of its experiment"
            )

    await services.database.read(work)
