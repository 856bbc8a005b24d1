"""v1's Webservice and its kinds: handles of the same endpoints, which differ in what they say."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faena import Model
from faena.client.endpoints import deploying
from faena.client.endpoints import webservice as faena
from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.workspaces.session import Session, checked
from faena.endpoints.schemas import EndpointChange, EndpointView
from faena.kernel.errors import NotFound, WebserviceException
from faena.script.messages import tell
from faena_azureml.deploying.configurations import AciDeployment, AksDeployment, LocalDeployment
from faena_azureml.not_covered import refusal

if TYPE_CHECKING:
    from faena_azureml.deploying.images import ContainerImage, ContainerImageConfig


_TOKEN = timedelta(hours=12)
"""For which v1's tokens were good."""


def deploy(
    workspace: Session,
    name: str,
    models: Iterable[Any],
    inference_config: InferenceConfig | None,
    deployment_config: DeploymentConfiguration | None,
    *,
    overwrite: bool,
    target: Any = None,
) -> Webservice:
    """As `faena.Model.deploy`. Without a configuration a service asks for no key, as v1's local ones."""
    session = checked(workspace)
    if inference_config is None:
        models = deploying.checked_models(models)
        inference_config = InferenceConfig.of_kind(deploying.kind_of(models), trust=True)
    view = deploying.deploy(
        session,
        name,
        models,
        inference_config,
        deployment_config or LocalDeployment(),
        onto="any" if overwrite else "new",
        target=target,
    )
    if view.settings.compute_type != "Local" and not view.settings.cluster:
        tell(f"faena: {view.settings.compute_type} is served by this machine.")
    made = kind_of(view).of_view(session, view)
    made._deployed_with = inference_config
    return made


class AccessToken(NamedTuple):
    """v1's AksServiceAccessToken."""

    access_token: str
    refresh_after: datetime
    expiry_on: datetime
    token_type: str = "Bearer"


class Webservice(faena.Webservice):
    """The service of that name, of its own kind. Raises WebserviceException (`WebserviceNotFound: …`)."""

    def __new__(cls, workspace: Session, name: str) -> Webservice:
        try:
            view = checked(workspace).api.endpoints.get(name)
        except NotFound as error:
            raise WebserviceException(error.message) from error
        return kind_of(view).of_view(workspace, view)

    def __init__(self, workspace: Session, name: str) -> None:
        """Made by `__new__`."""

    @classmethod
    def list(cls, workspace: Session, *given: Any, **filters: Any) -> builtins.list[Any]:
        """As `faena.Webservice.list`, each of its own kind."""
        found = faena.Webservice.list(workspace, *given, **filters)
        return [kind_of(each.view).of_view(workspace, each.view) for each in found]

    @staticmethod
    def deploy_from_model(
        workspace: Session,
        name: str,
        models: Iterable[Any],
        image_config: ContainerImageConfig,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
    ) -> Webservice:
        """Deploy registered models, as `Model.deploy` does, by v1's older words for the script and its packages."""
        return deploy(
            workspace,
            name,
            models,
            image_config.inference_config(),
            deployment_config,
            overwrite=overwrite,
            target=deployment_target,
        )

    @staticmethod
    def deploy_from_image(
        workspace: Session,
        name: str,
        image: ContainerImage,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
    ) -> Webservice:
        """Deploy what `ContainerImage.create` described."""
        return Webservice.deploy_from_model(
            workspace,
            name,
            image.models,
            image.image_config,
            deployment_config,
            deployment_target,
            overwrite,
        )

    @staticmethod
    def deploy(
        workspace: Session,
        name: str,
        model_paths: Iterable[str],
        image_config: ContainerImageConfig,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
    ) -> Webservice:
        """Register files of this machine, each under its file's name, and deploy them."""
        models = [Model.register(workspace, path, Path(path).name) for path in model_paths]
        return Webservice.deploy_from_model(
            workspace, name, models, image_config, deployment_config, deployment_target, overwrite
        )

    deploy_local_model = staticmethod(refusal("azureml.core.webservice.Webservice.deploy_local_model"))

    def get_token(self) -> tuple[str, datetime]:
        """(token, when to ask for the next one): the primary key, which stays good until it is regenerated."""
        token = self.get_access_token()
        return token.access_token, token.refresh_after

    def get_access_token(self) -> AccessToken:
        """The primary key in the place of v1's token."""
        now = datetime.now(UTC)
        return AccessToken(self.get_keys()[0], now + _TOKEN / 2, now + _TOKEN)

    @classmethod
    def deserialize(cls, workspace: Session, webservice_payload: Mapping[str, Any]) -> Webservice:
        """The service that `serialize` described, as it is now."""
        return Webservice(workspace, str(webservice_payload["name"]))

    def update(
        self,
        image: ContainerImage | None = None,
        *given: Any,
        collect_model_data: bool | None = None,
        **named: Any,
    ) -> None:
        """As `faena.Webservice.update`; `image`: what `ContainerImage.create` described is deployed as the next
        revision; `collect_model_data`: keep requests and answers from now on, or no more.
        """
        if image is not None:
            named["models"] = image.models
            named["inference_config"] = image.image_config.inference_config()
        if collect_model_data is not None:
            self._change(EndpointChange(keep_requests=float(collect_model_data)))
            if not given and not any(value is not None for value in named.values()):
                return
        super().update(None, *given, **named)

    @property
    def deployment_status(self) -> str:
        """v1's word for where the deployment is."""
        return {"Healthy": "Succeeded", "Unhealthy": "Succeeded", "Failed": "Failed"}.get(
            self.state, "Running"
        )

    @property
    def token_auth_enabled(self) -> bool:
        return False

    @property
    def image(self) -> None:
        """There are no images here."""
        return None

    _deployed_with: InferenceConfig | None = None
    """What this handle deployed it with, where it did."""


class LocalWebservice(Webservice):
    """v1's service of the own machine: no keys, and states in words of its own."""

    _states = {"Transitioning": "deploying", "Healthy": "running", "Unhealthy": "failed", "Failed": "failed"}

    @staticmethod
    def deploy_configuration(port: int | None = None) -> LocalDeployment:
        """`port`: None takes one that is free, and keeps it."""
        return LocalDeployment(port)

    @property
    def state(self) -> str:
        return self._states.get(super().state, "deleted")

    @property
    def port(self) -> int | None:
        return self._view.port

    @property
    def base_url(self) -> str | None:
        return None if self.port is None else f"http://localhost:{self.port}"

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        super().wait_for_deployment(timeout_sec=timeout_sec)
        if show_output:
            print(f"Local webservice is running at {self.base_url}")

    def update(  # type: ignore[override]  # v1's order
        self,
        models: Iterable[Any] | None = None,
        deployment_config: DeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: InferenceConfig | None = None,
        **named: Any,
    ) -> None:
        """As `faena.Webservice.update`, with v1's order of parameters. `wait`: until the new revision answers."""
        super().update(
            models=models, deployment_config=deployment_config, inference_config=inference_config, **named
        )
        if wait:
            self.wait_for_deployment()

    def reload(self, wait: bool = False) -> None:
        """Serve the script and its folder as they are now, as the next revision. `wait`: until it answers.

        Raises WebserviceException for a handle that did not deploy it: that knows no folder.
        """
        if self._deployed_with is None:
            raise WebserviceException(
                f"This handle did not deploy {self.name} and knows no script. Use update(inference_config=…)."
            )
        self.update(inference_config=self._deployed_with, wait=wait)

    def get_keys(self) -> tuple[str, str]:
        raise NotImplementedError("Local web services have no keys.")

    def delete(
        self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True
    ) -> None:
        super().delete()


class _CloudWebservice(Webservice):
    """Nothing is measured by a service of the cloud: `/metrics` has what was asked."""

    @property
    def enable_app_insights(self) -> bool:
        return False


class AciWebservice(_CloudWebservice):
    """v1's service in a container of the cloud; this machine serves it."""

    @property
    def ssl_enabled(self) -> bool:
        return self._view.settings.tls is not None

    @property
    def location(self) -> None:
        """It is on this machine."""
        return None

    cname = public_fqdn = public_ip = location

    @staticmethod
    def deploy_configuration(*given: Any, **named: Any) -> AciDeployment:
        return AciDeployment(*given, **named)


class AksWebservice(_CloudWebservice):
    """v1's service in a cluster of the cloud; this machine serves it."""

    @staticmethod
    def deploy_configuration(*given: Any, **named: Any) -> AksDeployment:
        return AksDeployment(*given, **named)


_KINDS: dict[str, type[Webservice]] = {
    "Local": LocalWebservice,
    "ACI": AciWebservice,
    "AKS": AksWebservice,
}


def kind_of(view: EndpointView) -> type[Webservice]:
    return _KINDS.get(view.settings.compute_type, LocalWebservice)
