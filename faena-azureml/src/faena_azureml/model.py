"""v1's Model: Faena's, and the verbs of deploying, which come later."""

from __future__ import annotations

from faena import Model as RegisteredModel
from faena_azureml.not_covered import refusal


class ResourceConfiguration:
    """What a deployed model would get; kept nowhere, since models are deployed later."""

    def __init__(
        self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None
    ) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu


class Model(RegisteredModel):
    """A version of a registered model. See faena.Model."""

    deploy = staticmethod(refusal("azureml.core.model.Model.deploy"))
    package = staticmethod(refusal("azureml.core.model.Model.package"))
    profile = staticmethod(refusal("azureml.core.model.Model.profile"))
    print_configuration = staticmethod(refusal("azureml.core.model.Model.print_configuration"))
    get_sas_urls = refusal("azureml.core.model.Model.get_sas_urls")
