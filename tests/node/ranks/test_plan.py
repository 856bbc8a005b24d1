"""Which ranks a node has, and what each is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faena.node.ranks import plan

MPI = {"kind": "mpi", "process_count_per_node": 3}
TORCH = {"kind": "torch", "process_count_per_node": 2}


def tensorflow(workers: int, servers: int) -> dict[str, Any]:
    return {"kind": "tensorflow", "worker_count": workers, "parameter_server_count": servers}


def test_ranks_are_numbered_node_by_node() -> None:
    ranks = plan.all_ranks(MPI, 2)
    assert [(rank.number, rank.node, rank.local) for rank in ranks] == [
        *[(0, 0, 0), (1, 0, 1), (2, 0, 2)],
        *[(3, 1, 0), (4, 1, 1), (5, 1, 2)],
    ]


@pytest.mark.parametrize(
    ("workers", "servers", "nodes", "placed"),
    [
        (2, 1, 1, ["worker 0 on 0", "worker 1 on 0", "ps 0 on 0"]),
        (2, 2, 2, ["worker 0 on 0", "worker 1 on 1", "ps 0 on 0", "ps 1 on 1"]),
        (3, 1, 2, ["worker 0 on 0", "worker 1 on 0", "worker 2 on 1", "ps 0 on 0"]),
        (1, 0, 1, ["worker 0 on 0"]),
    ],
)
def test_workers_and_servers_are_spread_over_the_nodes(
    workers: int, servers: int, nodes: int, placed: list[str]
) -> None:
    ranks = plan.all_ranks(tensorflow(workers, servers), nodes)
    assert [f"{rank.role} {rank.task} on {rank.node}" for rank in ranks] == placed
    assert [rank.number for rank in ranks] == list(range(len(ranks)))
    for node in range(nodes):
        local = [rank.local for rank in ranks if rank.node == node]
        assert local == list(range(len(local)))


def test_the_ranks_of_a_node_share_its_cores() -> None:
    assert plan.threads(8, None, 2) == 8
    assert plan.threads(8, MPI, 2) == 2
    assert plan.threads(2, MPI, 1) == 1
    assert plan.threads(8, tensorflow(3, 1), 2) == 2


def test_torch_is_told_as_torchrun_tells_it() -> None:
    ranks = plan.all_ranks(TORCH, 2)
    told = plan.of_torch(ranks[3], ranks, "10.0.0.7", 1234)
    names = (
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
        "NODE_RANK",
        "MASTER_ADDR",
        "MASTER_PORT",
    )
    assert [told[name] for name in names] == ["3", "4", "1", "2", "1", "10.0.0.7", "1234"]


def test_what_the_launcher_of_v1_filled_in_is_filled_in() -> None:
    ranks = plan.all_ranks(TORCH, 1)
    told = plan.of_torch(ranks[1], ranks, "fd00::7", 1234)
    given = [
        "train.py",
        "--rank",
        "$AZ_BATCHAI_TASK_INDEX",
        "--url",
        "$AZ_BATCHAI_PYTORCH_INIT_METHOD",
        "$HOME",
    ]
    assert plan.filled(given, told) == ["train.py", "--rank", "1", "--url", "tcp://[fd00::7]:1234", "$HOME"]


def test_tensorflow_is_told_where_all_are_and_what_it_is_itself() -> None:
    ranks = plan.all_ranks(tensorflow(2, 1), 1)
    told = plan.of_tensorflow(ranks[2], ranks, ["a:1", "b:2", "c:3"])
    assert json.loads(told["TF_CONFIG"]) == {
        "cluster": {"worker": ["a:1", "b:2"], "ps": ["c:3"]},
        "task": {"type": "ps", "index": 0},
    }


def test_mpi_is_told_as_open_mpi_tells_it() -> None:
    ranks = plan.all_ranks(MPI, 2)
    told = plan.of_mpi(ranks[4], ranks)
    assert {name.removeprefix("OMPI_COMM_WORLD_"): value for name, value in told.items()} == {
        "RANK": "4",
        "SIZE": "6",
        "LOCAL_RANK": "1",
        "LOCAL_SIZE": "3",
        "NODE_RANK": "1",
    }
