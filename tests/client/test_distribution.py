"""v1's words for the processes of a run."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from faena import Chainer, Estimator
from faena.client.submission import distribution, mpi_packages
from faena.client.submission.run_configuration import MpiConfiguration, RunConfiguration
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.environments.schemas import EnvironmentRequest
from faena.kernel.errors import FaenaError, TrainingException, UserErrorException
from faena.runs.submission_schemas import Distributed
from faena_azureml.distributed import Gloo, Mpi, Nccl, ParameterServer
from faena_azureml.run_configuration import PyTorchConfiguration, TensorflowConfiguration


def of_estimator(**given: Any) -> Distributed | None:
    return distribution.of(Estimator(entry_script="t.py", compute_target="c", **given).run_config)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, None),
        ({"node_count": 2}, None),
        ({"distributed_backend": "mpi", "process_count_per_node": 4}, Distributed("mpi", 4)),
        ({"distributed_backend": "MPI"}, Distributed("mpi", 1)),
        ({"distributed_training": Mpi(2), "process_count_per_node": 1}, Distributed("mpi", 2)),
        ({"distributed_training": MpiConfiguration()}, Distributed("mpi", 1)),
        ({"distributed_training": Gloo(), "node_count": 2}, Distributed("torch", 1)),
        (
            {"distributed_training": Nccl(), "process_count_per_node": 2, "node_count": 3},
            Distributed("torch", 2),
        ),
        (
            {"distributed_training": ParameterServer(3, 2)},
            Distributed("tensorflow", worker_count=3, parameter_server_count=2),
        ),
        (
            {"distributed_backend": "ps", "worker_count": 2},
            Distributed("tensorflow", worker_count=2, parameter_server_count=1),
        ),
    ],
)
def test_an_estimator_asks_for_ranks(given: dict[str, Any], asked: Distributed | None) -> None:
    assert of_estimator(**given) == asked


@pytest.mark.parametrize(
    ("job", "nodes", "asked"),
    [
        (MpiConfiguration(2, 3), 3, Distributed("mpi", 2)),
        (PyTorchConfiguration("Gloo", 4, 2), 2, Distributed("torch", 2)),
        (PyTorchConfiguration(), 1, Distributed("torch", 1)),
        (
            TensorflowConfiguration(2, 0),
            1,
            Distributed("tensorflow", worker_count=2, parameter_server_count=0),
        ),
    ],
)
def test_a_job_configuration_asks_for_ranks(job: Any, nodes: int, asked: Distributed) -> None:
    config = ScriptRunConfig(".", "t.py", distributed_job_config=job).run_config
    assert (config.node_count, distribution.of(config)) == (nodes, asked)
    kept = RunConfiguration.from_dict(config.to_dict())
    assert (kept.node_count, distribution.of(kept)) == (nodes, asked), "a saved one asks for the same"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"process_count_per_node": 2}, "nothing says how the processes speak to each other"),
        ({"distributed_backend": "mpi", "process_count_per_node": 0}, "process_count_per_node is 0"),
        ({"distributed_training": Mpi(True)}, "process_count_per_node is True"),
        ({"distributed_training": Mpi(2), "distributed_backend": "mpi"}, "not both"),
        ({"distributed_training": "mpi"}, r"Use Mpi\(\), Gloo\(\), Nccl\(\) or ParameterServer\(\)"),
        ({"distributed_backend": "horovod"}, "Use one of mpi, ps, gloo, nccl"),
        ({"distributed_training": ParameterServer(0)}, "worker_count is 0"),
    ],
)
def test_what_no_ranks_can_be_made_of_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingException, match=said):
        of_estimator(**given)


def test_processes_that_the_nodes_cannot_share_evenly_are_refused() -> None:
    with pytest.raises(TrainingException, match="process_count is 3 for 2 nodes"):
        ScriptRunConfig(".", "t.py", distributed_job_config=PyTorchConfiguration("Gloo", 3, 2)).check()
    with pytest.raises(UserErrorException, match="distributed_job_config is 4"):
        ScriptRunConfig(".", "t.py", distributed_job_config=4)


def test_ranks_of_mpi_get_mpich_and_mpi4py_once() -> None:
    chainer = Chainer(compute_target="c", entry_script="t.py", distributed_backend="mpi")
    asked = EnvironmentRequest(
        packages=("chainermn", "mpi4py==3.0.0", "mpi4py-fft"), conda_packages=("conda-forge::mpi4py=3.0",)
    )
    found = mpi_packages.added(asked)
    assert found.packages == ("chainermn", "mpi4py-fft", *mpi_packages.NEEDS)
    assert found.conda_packages == ()
    assert "such as the pin of 2019" in found.notes[-1]
    assert found.undated == ()
    of_2020 = mpi_packages.added(EnvironmentRequest(python="3.8", as_of="2020-10-01"))
    assert of_2020.undated == ("mpich", "mpi4py"), "neither had wheels then"
    own = mpi_packages.added(EnvironmentRequest(packages=("MPI4py == 4.0.1", "mpich")))
    assert own.packages == ("MPI4py == 4.0.1", "mpich"), "what a user asks for stays"
    assert chainer.run_config.communicator == "OpenMpi"


@pytest.mark.parametrize("python", ["3.7", "==3.6.*", "3.6.15", "2.7"])
def test_a_python_that_mpi4py_has_no_wheel_for_is_refused_at_once(python: str) -> None:
    with pytest.raises(FaenaError, match=r"need mpi4py 4, which Python .* cannot have. Use Python 3.8"):
        mpi_packages.added(EnvironmentRequest(python=python, as_of="2019-10-01"))
    assert mpi_packages.added(EnvironmentRequest(python="3.10")).python == "3.10"


def test_a_day_that_has_no_python_for_mpi_is_refused_with_the_first_that_has() -> None:
    with pytest.raises(
        UserErrorException, match=r"as of 2019-10-01 there is no other\. Use 2020-01-12 or a later day"
    ):
        mpi_packages.added(EnvironmentRequest(as_of="2019-10-01"))
    assert mpi_packages.added(EnvironmentRequest(as_of="2020-01-12")).as_of == "2020-01-12"
    assert mpi_packages.added(EnvironmentRequest(as_of="2019-10-01", python="3.8")).python == "3.8"


def test_an_interpreter_that_has_no_mpi4py_is_refused_where_it_can_be_looked_at() -> None:
    with pytest.raises(FaenaError, match=r"has no mpi4py.*-m pip install mpich mpi4py"):
        mpi_packages.added(EnvironmentRequest(interpreter=sys.executable))
    elsewhere = EnvironmentRequest(interpreter="/nowhere/bin/python")
    assert mpi_packages.added(elsewhere) == elsewhere, "it may be on the nodes"
