"""v1's home of Keyvault."""

from faena.client.keyvault import Keyvault

__all__ = ["Keyvault"]
