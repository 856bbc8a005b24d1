"""v1's Model: Faena's, and the verbs of deploying, which come later."""

from __future__ import annotations

from faena import Model as RegisteredModel
from faena_azureml.not_covered import refusal


class Model(RegisteredModel):
    """A version of a registered model. See faena.Model."""

    deploy = staticmethod(refusal("azureml.core.model.Model.deploy"))
    package = staticmethod(refusal("azureml.core.model.Model.package"))
    profile = staticmethod(refusal("azureml.core.model.Model.profile"))
    print_configuration = staticmethod(refusal("azureml.core.model.Model.print_configuration"))
    get_sas_urls = refusal("azureml.core.model.Model.get_sas_urls")
