"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    AciWebservice,
)

__all__ = [
    "AciWebservice",
]
