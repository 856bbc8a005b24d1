"""An inner home of v1's images."""

from azureml.core.image import (
    Image,
)

__all__ = [
    "Image",
]
