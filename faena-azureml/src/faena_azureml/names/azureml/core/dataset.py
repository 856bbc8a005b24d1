"""v1's home of Dataset."""

from faena_azureml.dataset import Dataset

__all__ = ["Dataset"]
