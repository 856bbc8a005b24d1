"""How many threads a script gets, by what runs: the nodes beside it, and its framework."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faena.compute import store as compute
from faena.compute.cores import fair_share, machine_cores, threads_for
from faena.compute.model import Cluster, NodeState
from faena.db import Read
from faena.environments import store as locks
from faena.runs.model import Run

_CHAINER = re.compile(r"^chainer==", re.MULTILINE)


def of_nodes(read: Read, cluster: Cluster, waiting: Sequence[Run]) -> int:
    """Of each node that a run of `cluster` is about to get. `waiting`: what waits there, that run among it.

    What waits counts: it runs soon, and a script keeps the threads that it starts with.
    """
    nodes = compute.list_nodes(read)
    running = [node for node in nodes if node.state is NodeState.RUNNING]
    here = [node for node in running if node.cluster == cluster.name]
    placed = {node.run_id for node in here}
    wanted = sum(run.node_count for run in waiting if run.id not in placed)
    at_once = len(running) - len(here) + min(cluster.max_nodes, len(here) + wanted)
    return threads_for(cluster.cores_per_node, machine_cores(), at_once)


def of_openblas(read: Read, run: Run, cluster: Cluster, threads: int) -> int:
    """NumPy's matrix products gain from threads where matrices are large. Chainer's are often small: its MNIST example
    takes 1.2 times as long with two as with one. So it gets no more than it has when all nodes of its cluster run.
    """
    lock = locks.get(read, run.lock) if run.lock else None
    if cluster.cores_per_node is None and lock is not None and _CHAINER.search(lock.requirements):
        return min(threads, fair_share(machine_cores(), cluster.max_nodes))
    return threads


def told(threads: int, openblas: int) -> str:
    """For the run's property."""
    said = f"{threads} of {machine_cores()} cores"
    return said if openblas == threads else f"{said}; OpenBLAS {openblas}, since Chainer's matrices are small"
