"""Images of deployed models; they come later."""

from faena_azureml.not_covered import stand_in

ContainerImage = stand_in("azureml.core.image.ContainerImage")
Image = stand_in("azureml.core.image.Image")

__all__ = [
    "ContainerImage",
    "Image",
]
