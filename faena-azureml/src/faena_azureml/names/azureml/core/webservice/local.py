"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    LocalWebservice,
)

from faena_azureml.deploying.configurations import LocalDeployment as LocalWebserviceDeploymentConfiguration

__all__ = [
    "LocalWebservice",
    "LocalWebserviceDeploymentConfiguration",
]
