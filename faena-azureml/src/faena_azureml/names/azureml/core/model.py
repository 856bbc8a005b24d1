"""v1's home of Model; deploying comes later. Notebooks take Dataset from here, too."""

from faena_azureml.dataset import Dataset
from faena_azureml.model import Model
from faena_azureml.not_covered import stand_in

InferenceConfig = stand_in("azureml.core.model.InferenceConfig")

__all__ = ["Dataset", "InferenceConfig", "Model"]
