"""v1's older home of ComputeTargetException."""

from faena.kernel.errors import ComputeTargetException
from faena_azureml.compute import ComputeTarget

__all__ = ["ComputeTarget", "ComputeTargetException"]
