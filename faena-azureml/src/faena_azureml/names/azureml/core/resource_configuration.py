"""v1's home of ResourceConfiguration."""

from faena_azureml.model import ResourceConfiguration

__all__ = ["ResourceConfiguration"]
