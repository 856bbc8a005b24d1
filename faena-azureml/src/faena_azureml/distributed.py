"""v1's words for how the processes of a run speak to each other."""

from __future__ import annotations

from faena.client.submission.run_configuration import MpiConfiguration


class Mpi(MpiConfiguration):
    """MPI, with so many processes on each node."""

    def __init__(self, process_count_per_node: int = 1) -> None:
        super().__init__(process_count_per_node)


class Gloo:
    """PyTorch's backend for CPUs."""

    backend = "gloo"


class Nccl:
    """PyTorch's backend for GPUs."""

    backend = "nccl"


class ParameterServer:
    """TensorFlow's parameter servers."""

    backend = "ps"

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count
