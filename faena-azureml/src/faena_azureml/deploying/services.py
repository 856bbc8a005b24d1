"""v1's Webservice and its kinds: handles of the same endpoints, which differ in what they say."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from faena import Model
from faena.client.endpoints import deploying
from faena.client.endpoints import webservice as faena
from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.workspaces.session import Session, checked
from faena.endpoints.schemas import EndpointView
from faena.kernel.errors import NotFound, WebserviceException
from faena.script.messages import tell
from faena_azureml.deploying.configurations import AciDeployment, AksDeployment, LocalDeployment
from faena_azureml.not_covered import refusal

if TYPE_CHECKING:
    from faena_azureml.deploying.images import ContainerImage, ContainerImageConfig


def deploy(
    workspace: Session,
    name: str,
    models: Iterable[Any],
    inference_config: InferenceConfig | None,
    deployment_config: DeploymentConfiguration | None,
    *,
    overwrite: bool,
) -> Webservice:
    """As `faena.Model.deploy`. Without a configuration a service asks for no key, as v1's local ones."""
    session = checked(workspace)
    view = deploying.deploy(
        session,
        name,
        models,
        inference_config,
        deployment_config or LocalDeployment(),
        onto="any" if overwrite else "new",
    )
    if view.settings.compute_type != "Local":
        tell(f"faena: {view.settings.compute_type} is served by this machine.")
    return kind_of(view).of_view(session, view)


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
    def of_view(cls, workspace: Session, view: EndpointView) -> Self:
        made = object.__new__(cls)
        made.workspace = workspace
        made._view = view
        return made

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
            workspace, name, models, image_config.inference_config(), deployment_config, overwrite=overwrite
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
    get_token = refusal("azureml.core.webservice.Webservice.get_token")
    get_access_token = refusal("azureml.core.webservice.Webservice.get_access_token")

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

    def reload(self, wait: bool = False) -> None:
        """Nothing to do: a script that has changed is deployed by `update(inference_config=…)`."""
        tell("faena: an endpoint serves the script that was deployed. Deploy a changed one with update().")

    def get_keys(self) -> tuple[str, str]:
        raise NotImplementedError("Local web services have no keys.")

    def delete(
        self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True
    ) -> None:
        super().delete()


class AciWebservice(Webservice):
    """v1's service in a container of the cloud; this machine serves it."""

    @staticmethod
    def deploy_configuration(*given: Any, **named: Any) -> AciDeployment:
        return AciDeployment(*given, **named)


class AksWebservice(Webservice):
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
