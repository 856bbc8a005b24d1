"""v1's inner home of AksCompute."""

from faena_azureml.aks import AksAttachConfiguration, AksCompute, AksProvisioningConfiguration

__all__ = ["AksAttachConfiguration", "AksCompute", "AksProvisioningConfiguration"]
