"""An inner home of v1's images; they come later."""

from azureml.core.image import (
    ContainerImage,
)

__all__ = [
    "ContainerImage",
]
