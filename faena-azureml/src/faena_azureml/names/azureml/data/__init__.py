"""v1's package of data: references, file datasets; tabular ones are not covered."""

from faena.client.data.dataset import FileDataset
from faena_azureml.not_covered import stand_in

HDFSOutputDatasetConfig = stand_in("azureml.data.HDFSOutputDatasetConfig")
OutputFileDatasetConfig = stand_in("azureml.data.OutputFileDatasetConfig")
TabularDataset = stand_in("azureml.data.TabularDataset")

__all__ = ["FileDataset", "HDFSOutputDatasetConfig", "OutputFileDatasetConfig", "TabularDataset"]
