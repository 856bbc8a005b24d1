"""v1's home of images of models."""

from faena_azureml.deploying.images import ContainerImage, Image

__all__ = [
    "ContainerImage",
    "Image",
]
