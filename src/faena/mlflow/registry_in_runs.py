"""What a run's token may do in the registry besides reading: give its own files a version, and describe that one."""

from __future__ import annotations

from typing import Any

from faena.db import Read
from faena.mlflow import callers, registry_places, registry_versions, registry_views
from faena.mlflow.artifacts import addresses
from faena.mlflow.artifacts.trees import LoggedModelFiles, RunFiles
from faena.mlflow.callers import Caller
from faena.mlflow.services import Services


async def create_version(services: Services, caller: Caller, asked: registry_versions.Create) -> Any:
    """Of files of the run, of those below it, or of a model that they logged; or of what lies elsewhere."""

    def check(read: Read) -> None:
        if asked.run_id:
            callers.check(read, caller, asked.run_id)
        if asked.model_id:  # which is told of its versions
            callers.check_model(read, caller, asked.model_id)
        place = registry_places.find(asked.source or "")
        match place and place[0]:
            case RunFiles(run_id):
                callers.check(read, caller, run_id)
            case LoggedModelFiles(model_id):
                callers.check_model(read, caller, model_id)

    await services.database.read(check)
    return await registry_versions.create(services, asked)


def download_uri(services: Services, caller: Caller, asked: registry_versions.ByVersion) -> Any:
    """Among the files that are kept of the version: what it was made of may be another run's."""

    def work(read: Read) -> dict[str, Any]:
        version = registry_versions.asked_for(read, asked)
        if version.files:
            return {"artifact_uri": addresses.of_version(version.name, version.version)}
        return {"artifact_uri": registry_views.download_address(read, version)}

    return services.database.read(work)


async def update_version(services: Services, caller: Caller, asked: registry_versions.Update) -> Any:
    await services.database.read(lambda read: _check(read, caller, asked))
    return await registry_versions.update(services, asked)


async def set_tag(services: Services, caller: Caller, asked: registry_versions.SetTag) -> Any:
    await services.database.read(lambda read: _check(read, caller, asked))
    return await registry_versions.set_tag(services, asked)


def _check(read: Read, caller: Caller, asked: registry_versions.ByVersion) -> None:
    """Raises MlflowError for a version that the run did not make."""
    version = registry_versions.asked_for(read, asked)
    if version.run_id is None:
        raise callers.refused(caller, f"the model version {version.name}:{version.version}")
    callers.check(read, caller, version.run_id)
