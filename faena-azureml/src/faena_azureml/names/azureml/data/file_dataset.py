"""v1's inner home of FileDataset."""

from faena.client.data.dataset import FileDataset

__all__ = ["FileDataset"]
