"""v1's inner home of TabularDataset, which is not covered."""

from azureml.data import TabularDataset

__all__ = ["TabularDataset"]
