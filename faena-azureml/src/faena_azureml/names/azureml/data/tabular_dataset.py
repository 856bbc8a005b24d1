"""v1's inner home of TabularDataset."""

from faena.client.data.dataset import TabularDataset

__all__ = ["TabularDataset"]
