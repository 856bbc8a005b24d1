"""v1's home of Datastore."""

from faena.client.datastore import Datastore

__all__ = ["Datastore"]
