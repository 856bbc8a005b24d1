"""v1's package of data: references, datasets of files and of tables."""

from azureml.core import __version__

from faena.client.data.dataset import FileDataset, TabularDataset
from faena_azureml.not_covered import stand_in
from faena_azureml.output_datasets import OutputFileDatasetConfig

HDFSOutputDatasetConfig = stand_in("azureml.data.HDFSOutputDatasetConfig")

__all__ = [
    "FileDataset",
    "HDFSOutputDatasetConfig",
    "OutputFileDatasetConfig",
    "TabularDataset",
    "__version__",
]
