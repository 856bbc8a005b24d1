"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    AksEndpoint,
    AksWebservice,
)

__all__ = [
    "AksEndpoint",
    "AksWebservice",
]
