"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    LocalWebservice,
)

__all__ = [
    "LocalWebservice",
]
