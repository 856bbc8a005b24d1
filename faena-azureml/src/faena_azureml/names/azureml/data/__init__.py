"""v1's package of data: references, datasets of files and of tables."""

from faena.client.data.dataset import FileDataset, TabularDataset
from faena_azureml.not_covered import stand_in

HDFSOutputDatasetConfig = stand_in("azureml.data.HDFSOutputDatasetConfig")
OutputFileDatasetConfig = stand_in("azureml.data.OutputFileDatasetConfig")

__all__ = ["FileDataset", "HDFSOutputDatasetConfig", "OutputFileDatasetConfig", "TabularDataset"]
