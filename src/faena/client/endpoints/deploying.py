"""Deploys registered models: captures the scoring script's folder, and asks the server for a revision."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal, Protocol, cast

from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.submission.capture import bring
from faena.client.workspaces.session import Session
from faena.endpoints.schemas import Deployment, EndpointView, ModelUse, RevisionSpec, Settings, Workers
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import ids
from faena.kernel.errors import NotFound, WebserviceException
from faena.models.schemas import ModelView
from faena.runs import variables


class DeployedModel(Protocol):
    """A handle of a registered model."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def view(self) -> ModelView: ...


Onto = Literal["new", "existing", "any"]


def deploy(
    session: Session,
    name: str,
    models: Iterable[DeployedModel],
    inference: InferenceConfig,
    configuration: DeploymentConfiguration | None,
    *,
    onto: Onto,
    percentage: int = 100,
    base: EndpointView | None = None,
) -> EndpointView:
    """Returns once the server has taken it in. What `configuration` does not name stays as an endpoint of that name has
    it. `base`: that endpoint, where the caller has looked at it.

    Raises WebserviceException, SnapshotException, Conflict where the name is taken.
    """
    chosen = _checked(models)
    configuration = configuration or DeploymentConfiguration()
    environment = inference.chosen_environment()
    lock = "" if environment is not None else _lock_of(chosen)
    with inference.source() as (folder, entry):
        snapshot = bring(session, folder)
    if base is None and onto != "new":
        with suppress(NotFound):
            base = session.api.endpoints.get(name)
    latest = None if base is None else base.revisions[0]
    spec = RevisionSpec(
        models=tuple(ModelUse(model.name, model.version) for model in chosen),
        snapshot=snapshot.digest,
        entry=entry,
        environment=EnvironmentRequest()
        if environment is None
        else environment.request(inference.source_directory),
        environment_name="" if environment is None else environment.shown_name(),
        lock=lock,
        environment_variables={}
        if environment is None
        else variables.texts("environment_variables", environment.variables()),
        inherited_variables=variables.passed_on(os.environ),
        workers=configuration.workers_from(Workers() if latest is None else latest.workers),
        sample=configuration.sample_input,
        description=inference.description or "",
    )
    session.api.bring_archives(spec.environment)
    settings = configuration.settings_from(Settings() if base is None else base.settings)
    asked = Deployment(spec, settings, onto, percentage)
    return session.api.endpoints.deploy(name, ids.new_request_id(), asked).endpoint


def _checked(models: Iterable[DeployedModel]) -> Sequence[DeployedModel]:
    given: list[object] = [models] if hasattr(models, "view") else list(models)
    for model in given:
        if not isinstance(getattr(model, "view", None), ModelView):
            raise WebserviceException(
                f"models holds {str(model)[:80]!r}, which is no registered model. Use Model(workspace, name), or what "
                "register_model() gives."
            )
    return cast("list[DeployedModel]", given)


def _lock_of(models: Sequence[DeployedModel]) -> str:
    """The environment of the run that made the first model that a run made."""
    for model in models:
        lineage = model.view.lineage
        if lineage is not None and lineage.lock:
            return lineage.lock
    raise WebserviceException(
        "No environment is given, and no run of this workspace made the model whose environment could be taken. Give "
        "InferenceConfig(environment=Environment(…)) or conda_file=."
    )
