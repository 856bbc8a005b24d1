"""v1's home of DatasetConsumptionConfig."""

from faena.client.data.dataset import DatasetConsumptionConfig

__all__ = ["DatasetConsumptionConfig"]
