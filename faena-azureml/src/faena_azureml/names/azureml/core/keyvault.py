"""v1's key vault, which a local workspace has not."""

from faena_azureml.not_covered import stand_in

Keyvault = stand_in("azureml.core.keyvault.Keyvault")

__all__ = ["Keyvault"]
