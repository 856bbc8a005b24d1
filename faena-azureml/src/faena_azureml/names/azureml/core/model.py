"""v1's home of Model; deploying comes later."""

from faena_azureml.model import Model
from faena_azureml.not_covered import stand_in

InferenceConfig = stand_in("azureml.core.model.InferenceConfig")

__all__ = ["InferenceConfig", "Model"]
