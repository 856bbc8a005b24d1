"""An inner home of v1's images; they come later."""

from azureml.core.image import (
    Image,
)

__all__ = [
    "Image",
]
