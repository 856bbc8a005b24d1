"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    AciWebservice,
)

from faena_azureml.deploying.configurations import AciDeployment as AciServiceDeploymentConfiguration

__all__ = [
    "AciServiceDeploymentConfiguration",
    "AciWebservice",
]
