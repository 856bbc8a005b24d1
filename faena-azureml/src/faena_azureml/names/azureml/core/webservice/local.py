"""An inner home of v1's deployments; they come later."""

from azureml.core.webservice import (
    LocalWebservice,
)

__all__ = [
    "LocalWebservice",
]
