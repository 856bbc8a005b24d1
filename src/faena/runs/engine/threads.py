"""How many threads a script gets, by what runs: the nodes beside it, and its framework. `cores`: the machine's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from faena.compute.cores import fair_share, threads_for
from faena.compute.model import Cluster, Node, NodeState
from faena.db import Read
from faena.environments import store as locks
from faena.environments.model import Lock

_CHAINER = re.compile(r"^chainer==", re.MULTILINE)


def of_nodes(cluster: Cluster, nodes: Iterable[Node], wanted: int, cores: int) -> int:
    """Of each node that a run of `cluster` is about to get.

    `nodes`: of all clusters. `wanted`: how many the runs that wait there want, that run among them: what waits counts,
    since it runs soon, and a script keeps the threads that it starts with.
    """
    running = [node for node in nodes if node.state is NodeState.RUNNING]
    here = sum(node.cluster == cluster.name for node in running)
    at_once = len(running) - here + min(cluster.max_nodes, here + wanted)
    return threads_for(cluster.cores_per_node, cores, at_once)


def of_node(cluster: Cluster, node: Node, here: int) -> int:
    """Of one node: `here` where it is a process on the server's host, else what its machine gives it."""
    if node.machine is None:
        return here
    return min(cluster.cores_per_node or node.cores, node.cores)


def of_openblas(cluster: Cluster, threads: int, cores: int, *, has_chainer: bool) -> int:
    """NumPy's matrix products gain from threads where matrices are large. Chainer's are often small: its MNIST example
    takes 1.2 times as long with two as with one. So it gets no more than it has when all nodes of its cluster run.
    """
    if cluster.cores_per_node is None and has_chainer:
        return min(threads, fair_share(cores, cluster.max_nodes))
    return threads


def has_chainer(read: Read, digest: str) -> bool:
    lock = locks.get(read, digest)
    return lock is not None and holds_chainer(lock)


def holds_chainer(lock: Lock) -> bool:
    return _CHAINER.search(lock.requirements) is not None


def told(threads: int, openblas: int, cores: int) -> str:
    """For the run's property."""
    said = f"{threads} of {cores} cores"
    return said if openblas == threads else f"{said}; OpenBLAS {openblas}, since Chainer's matrices are small"
