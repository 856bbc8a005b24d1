"""v1's home of Datastore."""

from faena.client.data.datastore import Datastore

__all__ = ["Datastore"]
