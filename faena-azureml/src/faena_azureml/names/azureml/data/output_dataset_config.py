"""v1's home of folders that a script fills."""

from azureml.data import HDFSOutputDatasetConfig, OutputFileDatasetConfig

__all__ = ["HDFSOutputDatasetConfig", "OutputFileDatasetConfig"]
