"""v1's kinds of datastores: here one kind stands for both."""

from faena.client.data.datastore import Datastore as AzureBlobDatastore
from faena.client.data.datastore import Datastore as AzureFileDatastore

__all__ = ["AzureBlobDatastore", "AzureFileDatastore"]
