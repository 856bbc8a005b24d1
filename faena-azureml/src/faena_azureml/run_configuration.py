"""Parts of v1's run configuration that scripts name and that mean little on one's own machines."""

from __future__ import annotations

from faena_azureml.environments import Environment as EnvironmentDefinition

DEFAULT_CPU_IMAGE = MPI_CPU_IMAGE = "mcr.microsoft.com/azureml/base:intelmpi2018.3-ubuntu16.04"
DEFAULT_GPU_IMAGE = MPI_GPU_IMAGE = (
    "mcr.microsoft.com/azureml/base-gpu:intelmpi2018.3-cuda10.0-cudnn7-ubuntu16.04"
)
"""Names of container images. Runs use none; setting one has no effect."""


class ContainerRegistry:
    """Where container images come from. Accepted, and no password is kept: runs use no images."""

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None

    @property
    def password(self) -> None:
        """None, whatever was set."""
        return

    @password.setter
    def password(self, value: object) -> None:
        """Forgotten at once."""


AzureContainerRegistry = ContainerRegistry


class TensorflowConfiguration:
    """Workers and parameter servers of TensorFlow."""

    backend = "ps"

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count


class PyTorchConfiguration:
    """Processes of PyTorch's distributed package. `process_count` None: one a node."""

    backend = "nccl"

    def __init__(
        self,
        communication_backend: str = "Nccl",
        process_count: int | None = None,
        node_count: int = 1,
    ) -> None:
        self.communication_backend = communication_backend
        self.process_count = process_count
        self.node_count = node_count


class DockerConfiguration:
    """Whether and how a container is used. Accepted; runs use none."""

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: list[str] | None = None,
        shm_size: str | None = None,
    ) -> None:
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments or ())
        self.shm_size = shm_size


__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "MPI_CPU_IMAGE",
    "MPI_GPU_IMAGE",
    "AzureContainerRegistry",
    "ContainerRegistry",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "PyTorchConfiguration",
    "TensorflowConfiguration",
]
