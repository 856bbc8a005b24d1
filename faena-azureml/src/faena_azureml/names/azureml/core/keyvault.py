"""v1's home of Keyvault."""

from faena.client.workspaces.keyvault import Keyvault

__all__ = ["Keyvault"]
