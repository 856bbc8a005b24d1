"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    AksEndpoint,
    AksWebservice,
)

from faena_azureml.deploying.configurations import AksDeployment as AksServiceDeploymentConfiguration

__all__ = [
    "AksEndpoint",
    "AksServiceDeploymentConfiguration",
    "AksWebservice",
]
