"""An inner home of v1's images."""

from azureml.core.image import (
    ContainerImage,
)

__all__ = [
    "ContainerImage",
]
