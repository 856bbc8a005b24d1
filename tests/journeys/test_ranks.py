"""Scripts of several processes, on one node and on two. Needs the package registry for MPI."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest

from faena import Workspace
from faena.client.runs.run import Run
from faena.testing.waiting import until
from tests.examples import long_form
from tests.journeys.scripts import Project

RENDEZVOUS = """
import os, socket, sys, time
from faena import Run
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
Run.get_context().log("rank", rank)
print("rank", rank, "threads", os.environ["OMP_NUM_THREADS"], flush=True)
if rank == 0:
    with socket.create_server(place) as server:
        others = [server.accept()[0] for _ in range(size - 1)]
    print("met", *sorted(each.recv(99).decode() for each in others), flush=True)
    for each in others:
        each.sendall(b"all are here")
else:
    while True:
        try:
            with socket.create_connection(place) as connection:
                connection.sendall(str(rank).encode())
                connection.recv(99)  # none goes on, and fails, before all have met
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
"""
FAILING = """
if rank == size - 1:
    print("last words", flush=True)
    sys.exit(3)
time.sleep(600)
"""
TENSORFLOW = """
import json, os, signal, sys
told = json.loads(os.environ["TF_CONFIG"])
print(json.dumps(told), flush=True)
if told["task"]["type"] == "ps":
    signal.pause()  # as server.join() does
"""
MPI = """
import os, sys, time
from mpi4py import MPI
world = MPI.COMM_WORLD
print(f"{world.rank} of {world.size}, sum {world.allreduce(world.rank)}", flush=True)
print("pid", os.getpid(), flush=True)
os.makedirs("outputs", exist_ok=True)
if world.rank == 0:
    open("outputs/model.npz", "w").write("model")
if len(sys.argv) > 1:
    time.sleep(600)
"""


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def log(run: Run, name: str) -> str:
    found = run.get_details_with_logs()["logFiles"]
    return str(found.get(f"azureml-logs/{name}.txt", ""))


def failed_within(run: Run, seconds: float, since: float) -> Any:
    run.wait_for_completion(raise_on_error=False)
    assert time.monotonic() - since < seconds
    error = run.refresh().error
    assert error is not None
    return error


@pytest.mark.long
def test_ranks_of_torch_on_two_nodes_meet_and_each_has_its_log(project: Project) -> None:
    run = project.run(RENDEZVOUS, distributed_backend="gloo", process_count_per_node=2, node_count=2)
    assert run.get_status() == "Completed"
    assert log(run, "70_driver_log_0").splitlines()[1] == "met 1 2 3"
    for rank in (1, 2, 3):
        assert log(run, f"70_driver_log_{rank}").startswith(f"rank {rank} threads 1")
    defined = run.get_details()["runDefinition"]
    assert (defined["nodeCount"], defined["pytorch"]) == (2, {"processCountPerNode": 2})
    assert sorted(run.get_metrics()["rank"]) == [0, 1, 2, 3], "all log into the one run"


@pytest.mark.long
def test_one_that_fails_ends_all_and_is_named_with_its_last_lines(project: Project) -> None:
    run = project.submit(
        RENDEZVOUS + FAILING, distributed_backend="gloo", process_count_per_node=2, node_count=2
    )
    until(lambda: "met" in log(run, "70_driver_log_0"), "they met")
    error = failed_within(run, 30.0, time.monotonic())
    assert error.message.startswith("rank 3 (node 1) ended with exit code 3.")
    assert (error.exit_code, error.last_lines[-1]) == (3, "last words")


@pytest.mark.long
def test_parameter_servers_end_when_the_workers_of_all_nodes_have(project: Project) -> None:
    run = project.run(
        TENSORFLOW, distributed_backend="ps", worker_count=3, parameter_server_count=2, node_count=2
    )
    assert run.get_status() == "Completed"
    told = [json.loads(log(run, f"70_driver_log_{rank}")) for rank in range(5)]
    assert len({json.dumps(each["cluster"]) for each in told}) == 1, "all know the same places"
    assert [len(told[0]["cluster"][role]) for role in ("worker", "ps")] == [3, 2]
    roles = [f"{each['task']['type']} {each['task']['index']}" for each in told]
    assert roles == ["worker 0", "worker 1", "worker 2", "ps 0", "ps 1"]


@pytest.mark.parametrize(("nodes", "per_node"), [long_form(1, 2), (2, 1)])
def test_ranks_of_mpi_speak_to_each_other(project: Project, nodes: int, per_node: int) -> None:
    run = project.run(
        MPI, pip_packages=[], distributed_backend="mpi", node_count=nodes, process_count_per_node=per_node
    )
    assert run.get_status() == "Completed", run.refresh().error
    assert log(run, "70_driver_log_0").startswith("0 of 2, sum 1")
    assert log(run, "70_driver_log_1").startswith("1 of 2, sum 1")
    assert "outputs/model.npz" in run.get_file_names()


@pytest.mark.long
def test_a_rank_of_mpi_that_is_killed_on_the_other_node_ends_all_and_is_named(project: Project) -> None:
    run = project.submit(
        MPI, pip_packages=[], distributed_backend="mpi", node_count=2, script_arguments=["wait"]
    )
    until(lambda: "pid" in log(run, "70_driver_log_1"), "rank 1 runs")
    pid = int(log(run, "70_driver_log_1").split()[-1])
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    error = failed_within(run, 30.0, killed_at)
    assert error.message.startswith("rank 1 (node 1) was killed by SIGKILL")
    assert error.last_lines[-1] == f"pid {pid}"
