"""v1's home of RunConfiguration and of what it is made of."""

from faena.client.data.data_reference import DataReferenceConfiguration
from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.submission.run_configuration import MpiConfiguration
from faena_azureml.environments import RunConfiguration
from faena_azureml.not_covered import stand_in
from faena_azureml.run_configuration import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    MPI_CPU_IMAGE,
    MPI_GPU_IMAGE,
    AzureContainerRegistry,
    ContainerRegistry,
    DockerConfiguration,
    EnvironmentDefinition,
    PyTorchConfiguration,
    TensorflowConfiguration,
)

JarLibrary = stand_in("azureml.core.runconfig.JarLibrary")

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "MPI_CPU_IMAGE",
    "MPI_GPU_IMAGE",
    "AzureContainerRegistry",
    "CondaDependencies",
    "ContainerRegistry",
    "DataReferenceConfiguration",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "JarLibrary",
    "MpiConfiguration",
    "PyTorchConfiguration",
    "RunConfiguration",
    "TensorflowConfiguration",
]
