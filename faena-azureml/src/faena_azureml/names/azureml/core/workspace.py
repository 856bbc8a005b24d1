"""v1's home of Workspace."""

from faena_azureml.workspace import Workspace

__all__ = ["Workspace"]
