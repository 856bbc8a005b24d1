"""v1's compute targets: a cluster of this machine, and kinds that the cloud has."""

from faena_azureml.aks import AksCompute
from faena_azureml.compute import AmlCompute, ComputeTarget
from faena_azureml.not_covered import stand_in

AdlaCompute = stand_in("azureml.core.compute.AdlaCompute")
BatchCompute = stand_in("azureml.core.compute.BatchCompute")
ComputeInstance = stand_in("azureml.core.compute.ComputeInstance")
DataFactoryCompute = stand_in("azureml.core.compute.DataFactoryCompute")
DatabricksCompute = stand_in("azureml.core.compute.DatabricksCompute")
DsvmCompute = stand_in("azureml.core.compute.DsvmCompute")
HDInsightCompute = stand_in("azureml.core.compute.HDInsightCompute")
KubernetesCompute = stand_in("azureml.core.compute.KubernetesCompute")
RemoteCompute = stand_in("azureml.core.compute.RemoteCompute")
SynapseCompute = stand_in("azureml.core.compute.SynapseCompute")

__all__ = [
    "AdlaCompute",
    "AksCompute",
    "AmlCompute",
    "BatchCompute",
    "ComputeInstance",
    "ComputeTarget",
    "DataFactoryCompute",
    "DatabricksCompute",
    "DsvmCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "RemoteCompute",
    "SynapseCompute",
]
