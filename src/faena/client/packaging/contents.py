"""What a package holds: models, a scoring script in a snapshot, an environment, how it is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.deploying import DeployedModel, kind_of, lock_of, source_of
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.endpoints.kind_packages import check_options, environment_of, told_by_model
from faena.client.environments.build import EnvironmentBuild
from faena.client.workspaces.session import Session
from faena.endpoints.schemas import Settings, Workers
from faena.environments.schemas import LockView
from faena.models.schemas import ModelView
from faena.runs import variables


@dataclass(frozen=True, slots=True)
class Contents:
    name: str
    models: tuple[ModelView, ...]
    snapshot: str
    entry: str
    """Empty where a kind needs no script."""
    kind: str | None
    options: Mapping[str, Any]
    variables: Mapping[str, str]
    """Of the environment; those of whoever starts the package are passed on besides."""
    left_out: tuple[str, ...]
    """Variables whose names say that they are secret."""
    workers: Workers
    settings: Settings
    sample: str | None


class Packing:
    """Models whose environment may still be made."""

    def __init__(
        self,
        session: Session,
        name: str,
        models: Sequence[DeployedModel],
        inference: InferenceConfig | None,
        configuration: DeploymentConfiguration | None,
    ) -> None:
        inference = inference or InferenceConfig.of_kind(kind_of(models))
        configuration = configuration or DeploymentConfiguration()
        inference = told_by_model(inference, models)
        check_options(inference)
        environment = environment_of(session, inference, models)
        snapshot, entry = source_of(session, inference, models)
        given = (
            {} if environment is None else variables.texts("environment_variables", environment.variables())
        )
        shown = variables.shown(given)
        kept = {key: value for key, value in given.items() if shown[key] == value}
        self._session = session
        self.contents = Contents(
            name=name,
            models=tuple(model.view for model in models),
            snapshot=snapshot,
            entry=entry,
            kind=inference.kind,
            options=dict(inference.options),
            variables=kept,
            left_out=tuple(sorted(given.keys() - kept.keys())),
            workers=configuration.workers_from(Workers()),
            settings=configuration.settings_from(Settings()),
            sample=configuration.sample_input,
        )
        self.build: EnvironmentBuild | None = None
        self._digest = ""
        if environment is None:
            self._digest = lock_of(models)
        elif not environment.python.user_managed_dependencies:
            self.build = environment.build(session)

    @property
    def state(self) -> str:
        """Running, Succeeded or Failed."""
        return "Succeeded" if self.build is None else self.build.status

    def lock(self) -> LockView | None:
        """Waits until it is known; None: an interpreter is used as it is. Raises EnvironmentBuildException."""
        if self.build is not None:
            self._digest = self.build.wait_for_completion(show_output=False).digest
        if not self._digest:
            return None
        found = self._session.api.environment_lock(self._digest)
        return found if found.built else None
