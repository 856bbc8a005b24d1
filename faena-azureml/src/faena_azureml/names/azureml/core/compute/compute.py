"""v1's inner home of ComputeTarget."""

from faena_azureml.compute import ComputeTarget

__all__ = ["ComputeTarget"]
