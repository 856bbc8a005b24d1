"""Which processes a run has on which node, and what each of them is told of itself. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MPI, TORCH, TENSORFLOW = "mpi", "torch", "tensorflow"

WORKER, PARAMETER_SERVER = "worker", "ps"
"""TensorFlow's words for what its processes are."""

_INIT_METHOD, _TASK_INDEX = "$AZ_BATCHAI_PYTORCH_INIT_METHOD", "$AZ_BATCHAI_TASK_INDEX"
"""In the arguments of v1's scripts for PyTorch, which its launcher filled in."""


class Rank(NamedTuple):
    """One process of a run."""

    number: int
    """Among all of the run."""
    node: int
    local: int
    """Among those of its node."""
    role: str = ""
    task: int = 0
    """Among those of its role."""


def all_ranks(distributed: Mapping[str, Any], nodes: int) -> list[Rank]:
    """In their order. TensorFlow's workers come first, and each role is spread evenly over the nodes."""
    if distributed["kind"] != TENSORFLOW:
        per_node = int(distributed["process_count_per_node"])
        return [
            Rank(node * per_node + local, node, local) for node in range(nodes) for local in range(per_node)
        ]
    counts = {WORKER: distributed["worker_count"], PARAMETER_SERVER: distributed["parameter_server_count"]}
    found: list[Rank] = []
    taken = [0] * nodes
    for role, count in counts.items():
        for index in range(count):
            node = index * nodes // count
            found.append(Rank(len(found), node, taken[node], role, index))
            taken[node] += 1
    return found


def processes(order: Mapping[str, Any]) -> int | None:
    """Of the whole run; None where it has one a node, which the guard starts itself."""
    asked = order.get("distributed")
    return None if asked is None else len(all_ranks(asked, order["node_count"]))


def most_on_a_node(distributed: Mapping[str, Any], nodes: int) -> int:
    ranks = all_ranks(distributed, nodes)
    return max(sum(rank.node == node for rank in ranks) for node in range(nodes))


def threads(cores: int, distributed: Mapping[str, Any] | None, nodes: int) -> int:
    """Of each process: those of a node share its cores."""
    return cores if distributed is None else max(1, cores // most_on_a_node(distributed, nodes))


def variables(rank: Rank, ranks: Sequence[Rank]) -> dict[str, str]:
    """What every process is told, whatever it speaks with the others by."""
    return {
        "FAENA_RANK": str(rank.number),
        "FAENA_WORLD_SIZE": str(len(ranks)),
        "FAENA_LOCAL_RANK": str(rank.local),
        "FAENA_NODE_RANK": str(rank.node),
    }


def of_mpi(rank: Rank, ranks: Sequence[Rank]) -> dict[str, str]:
    """As Open MPI, which v1 had, tells its processes: scripts of its time read them."""
    return {
        "OMPI_COMM_WORLD_RANK": str(rank.number),
        "OMPI_COMM_WORLD_SIZE": str(len(ranks)),
        "OMPI_COMM_WORLD_LOCAL_RANK": str(rank.local),
        "OMPI_COMM_WORLD_LOCAL_SIZE": str(_on_node(rank, ranks)),
        "OMPI_COMM_WORLD_NODE_RANK": str(rank.local),
    }


def of_torch(rank: Rank, ranks: Sequence[Rank], address: str, port: int) -> dict[str, str]:
    """As torchrun tells its processes. `address`, `port`: where rank 0 listens."""
    return {
        "RANK": str(rank.number),
        "WORLD_SIZE": str(len(ranks)),
        "LOCAL_RANK": str(rank.local),
        "LOCAL_WORLD_SIZE": str(_on_node(rank, ranks)),
        "NODE_RANK": str(rank.node),
        "GROUP_RANK": str(rank.node),
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
        _INIT_METHOD[1:]: _init_method(address, port),
        _TASK_INDEX[1:]: str(rank.number),
    }


def of_tensorflow(rank: Rank, ranks: Sequence[Rank], places: Sequence[str]) -> dict[str, str]:
    """`places`: `host:port` of each rank."""
    cluster: dict[str, list[str]] = {}
    for each, place in zip(ranks, places, strict=True):
        cluster.setdefault(each.role, []).append(place)
    task = {"type": rank.role, "index": rank.task}
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def filled(argv: Sequence[str], told: Mapping[str, str]) -> list[str]:
    """An argument list in which what v1's launcher filled in for PyTorch is filled in."""
    return [told.get(word[1:], word) if word in (_INIT_METHOD, _TASK_INDEX) else word for word in argv]


def place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _init_method(address: str, port: int) -> str:
    return f"tcp://{place(address, port)}"


def _on_node(rank: Rank, ranks: Sequence[Rank]) -> int:
    return sum(each.node == rank.node for each in ranks)
