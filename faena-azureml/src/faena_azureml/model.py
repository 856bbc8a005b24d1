"""v1's Model: Faena's, with v1's services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from faena import Model as RegisteredModel
from faena.client.workspaces.session import Session
from faena_azureml.not_covered import refusal

if TYPE_CHECKING:
    from faena.client.endpoints.configuration import DeploymentConfiguration
    from faena.client.endpoints.inference_config import InferenceConfig
    from faena_azureml.deploying.services import Webservice


class ResourceConfiguration:
    """What a deployed model would get in Azure; kept nowhere: an endpoint's workers have this machine."""

    def __init__(
        self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None
    ) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu


class Model(RegisteredModel):
    """A version of a registered model. See faena.Model."""

    @staticmethod
    def deploy(  # type: ignore[override]  # v1's services
        workspace: Session,
        name: str,
        models: Iterable[Any],
        inference_config: InferenceConfig | None = None,
        deployment_config: DeploymentConfiguration | None = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Webservice:
        """As `faena.Model.deploy`. Without `deployment_config` a service asks for no key, as v1's local ones; without
        `inference_config` a model is loaded though it is a pickle, which v1 did, too."""
        from faena_azureml.deploying.services import deploy  # few deploy

        service = deploy(
            workspace,
            name,
            models,
            inference_config,
            deployment_config,
            overwrite=overwrite,
            target=deployment_target,
        )
        if show_output:
            service.wait_for_deployment(show_output=True)
        return service

    profile = staticmethod(refusal("azureml.core.model.Model.profile"))
    print_configuration = staticmethod(refusal("azureml.core.model.Model.print_configuration"))
    get_sas_urls = refusal("azureml.core.model.Model.get_sas_urls")
