"""v1's home of DatasetConsumptionConfig."""

from faena.client.dataset import DatasetConsumptionConfig

__all__ = ["DatasetConsumptionConfig"]
