"""An inner home of v1's deployments."""

from azureml.core.webservice import (
    Webservice,
)

__all__ = [
    "Webservice",
]
