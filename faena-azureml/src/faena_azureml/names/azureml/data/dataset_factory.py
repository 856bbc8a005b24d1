"""v1's home of what makes datasets."""

from faena.client.data.dataset import FileDatasetFactory
from faena_azureml.not_covered import stand_in

DataType = stand_in("azureml.data.dataset_factory.DataType")
TabularDatasetFactory = stand_in("azureml.data.dataset_factory.TabularDatasetFactory")

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]
