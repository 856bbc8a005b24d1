"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    Webservice,
)

from faena.client.endpoints.configuration import DeploymentConfiguration as WebserviceDeploymentConfiguration
from faena.kernel.errors import WebserviceException

__all__ = [
    "Webservice",
    "WebserviceDeploymentConfiguration",
    "WebserviceException",
]
