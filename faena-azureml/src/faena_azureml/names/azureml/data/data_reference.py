"""v1's home of DataReference."""

from faena.client.data.data_reference import DataReference

__all__ = ["DataReference"]
