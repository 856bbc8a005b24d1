"""v1's home of ContainerRegistry."""

from faena_azureml.run_configuration import ContainerRegistry

__all__ = ["ContainerRegistry"]
