"""v1's inner home of AmlCompute."""

from faena.client.compute.cluster import AmlComputeStatus
from faena_azureml.compute import AmlCompute, ScaleSettings
from faena_azureml.provisioning import AmlComputeProvisioningConfiguration

__all__ = ["AmlCompute", "AmlComputeProvisioningConfiguration", "AmlComputeStatus", "ScaleSettings"]
