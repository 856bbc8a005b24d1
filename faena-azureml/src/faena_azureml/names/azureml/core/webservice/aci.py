"""An inner home of v1's deployments; they come later."""

from azureml.core.webservice import (
    AciWebservice,
)

__all__ = [
    "AciWebservice",
]
