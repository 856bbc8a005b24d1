"""v1's words for the processes of a run, and what is asked of the server for them."""

from __future__ import annotations

from typing import Any

from faena.client.submission.run_configuration import MpiConfiguration, RunConfiguration
from faena.client.wire import shown
from faena.kernel.errors import TrainingException, UserErrorException
from faena.runs.submission_schemas import Distributed

_COMMUNICATORS = {"mpi": "OpenMpi", "ps": "ParameterServer", "gloo": "Gloo", "nccl": "Nccl"}
"""By what an estimator calls them."""
_KINDS = "MpiConfiguration, PyTorchConfiguration or TensorflowConfiguration"


def of(config: RunConfiguration) -> Distributed | None:
    """What a configuration asks for; None: one process on each node. Raises TrainingException."""
    if config.communicator in ("OpenMpi", "IntelMpi"):
        return Distributed("mpi", _count("process_count_per_node", config.mpi.process_count_per_node))
    if config.communicator in ("Gloo", "Nccl"):
        return Distributed("torch", _torch_per_node(config))
    if config.communicator == "ParameterServer":
        return Distributed(
            "tensorflow",
            worker_count=_count("worker_count", config.tensorflow.worker_count),
            parameter_server_count=_count(
                "parameter_server_count", config.tensorflow.parameter_server_count, least=0
            ),
        )
    return None


def _torch_per_node(config: RunConfiguration) -> int:
    if config.pytorch.process_count is None:
        return 1
    count = _count("process_count", config.pytorch.process_count)
    if count % config.node_count:
        raise TrainingException(
            f"process_count is {count} for {config.node_count} nodes, which have as many processes each. Use a "
            f"multiple of {config.node_count}."
        )
    return count // config.node_count


def of_estimator(
    config: RunConfiguration,
    training: Any,
    backend: str | None,
    process_count_per_node: Any,
    worker_count: Any = None,
    parameter_server_count: Any = None,
) -> None:
    """Have the configuration of an estimator ask for what the estimator's parameters say."""
    if training is not None and backend is not None:
        raise TrainingException("Give distributed_training or the older distributed_backend, not both.")
    name = backend if backend is not None else getattr(training, "backend", None)
    if name is None:
        _refuse_without_backend(training, process_count_per_node)
        return
    if str(name).lower() not in _COMMUNICATORS:
        raise TrainingException(f"distributed_backend is {name!r}. Use one of {', '.join(_COMMUNICATORS)}.")
    config.communicator = _COMMUNICATORS[str(name).lower()]
    given = getattr(training, "process_count_per_node", None)
    per_node = _count("process_count_per_node", process_count_per_node if given is None else given)
    config.mpi = MpiConfiguration(per_node)
    config.pytorch.process_count = per_node * config.node_count if per_node > 1 else None
    for field, value in (("worker_count", worker_count), ("parameter_server_count", parameter_server_count)):
        asked = getattr(training, field, value)
        if asked is not None:
            setattr(config.tensorflow, field, asked)


def _refuse_without_backend(training: Any, process_count_per_node: Any) -> None:
    if training is not None:
        raise TrainingException(
            f"distributed_training is {training!r}. Use Mpi(), Gloo(), Nccl() or ParameterServer()."
        )
    if process_count_per_node != 1:
        raise TrainingException(
            f"process_count_per_node is {shown(process_count_per_node)}, and nothing says how the processes speak to "
            "each other. Give distributed_training=Mpi(), Gloo() or Nccl()."
        )


def of_job(config: RunConfiguration, job: Any) -> None:
    """Have a configuration ask for what a `distributed_job_config` says."""
    if isinstance(job, MpiConfiguration):
        config.mpi = job
        config.communicator = "OpenMpi"
        config.node_count = _count("node_count", job.node_count)
    elif hasattr(job, "communication_backend"):
        backend = str(job.communication_backend).lower()
        if backend not in ("gloo", "nccl"):
            raise TrainingException(
                f"communication_backend is {shown(job.communication_backend)}. Use 'Gloo' or 'Nccl'."
            )
        config.communicator = _COMMUNICATORS[backend]
        config.node_count = _count("node_count", job.node_count)
        config.pytorch.process_count = job.process_count
    elif hasattr(job, "parameter_server_count"):
        config.communicator = "ParameterServer"
        config.tensorflow.worker_count = job.worker_count
        config.tensorflow.parameter_server_count = job.parameter_server_count
    else:
        raise UserErrorException(f"distributed_job_config is {shown(job)}. Use {_KINDS}.")


def _count(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TrainingException(f"{name} is {shown(value)}. Use a whole number, {least} or more.")
    return value
