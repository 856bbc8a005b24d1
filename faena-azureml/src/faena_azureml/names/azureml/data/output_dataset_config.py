"""v1's home of outputs that become data sets: not covered."""

from azureml.data import HDFSOutputDatasetConfig, OutputFileDatasetConfig

__all__ = ["HDFSOutputDatasetConfig", "OutputFileDatasetConfig"]
