"""v1's home of what makes datasets."""

from faena.client.data.dataset import (
    DataType,
    FileDatasetFactory,
    PromoteHeadersBehavior,
    TabularDatasetFactory,
)

__all__ = ["DataType", "FileDatasetFactory", "PromoteHeadersBehavior", "TabularDatasetFactory"]
