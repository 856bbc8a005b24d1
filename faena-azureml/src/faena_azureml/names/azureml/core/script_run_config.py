"""v1's home of ScriptRunConfig."""

from faena_azureml.environments import ScriptRunConfig

__all__ = ["ScriptRunConfig"]
