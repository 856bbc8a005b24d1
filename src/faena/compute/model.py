"""Clusters and nodes. No I/O."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from faena.compute.kinds import (
    ClusterKind as ClusterKind,  # with the wire types, which handles load without these
)
from faena.kernel.clock import Micros
from faena.kernel.errors import ComputeTargetException

MAX_NODES = 10_000
MAX_CORES = 4096


class NodeState(StrEnum):
    PREPARING = "preparing"
    """Its process was started and has not asked for work yet."""
    IDLE = "idle"
    """It waits for work."""
    RUNNING = "running"
    """A run has it."""
    LEAVING = "leaving"
    """It was told to leave and gets no more work."""


class Cluster(Struct, frozen=True):
    """A set of nodes: elastic and on the server's host, or of machines that joined it."""

    name: str
    min_nodes: int
    max_nodes: int
    idle_seconds_before_scaledown: float
    cores_per_node: int | None
    """None: what the nodes that run at once leave of the machine's cores."""
    created_at: Micros
    modified_at: Micros
    kind: ClusterKind = ClusterKind.LOCAL
    settings: str = ""
    """What only clusters of its kind have, as JSON; empty: nothing."""
    waits: str = ""
    """What whoever starts its nodes waits for; empty: nothing that is known."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_nodes <= MAX_NODES:
            raise ComputeTargetException(
                f"max_nodes of {self.name!r} is {self.max_nodes}. Use a whole number from 1 to {MAX_NODES}."
            )
        if not 0 <= self.min_nodes <= self.max_nodes:
            raise ComputeTargetException(
                f"min_nodes of {self.name!r} is {self.min_nodes}. Use a whole number from 0 to max_nodes "
                f"({self.max_nodes})."
            )
        if not 0 <= self.idle_seconds_before_scaledown <= 10**9:
            raise ComputeTargetException(
                f"idle_seconds_before_scaledown of {self.name!r} is {self.idle_seconds_before_scaledown}. "
                "Use seconds, 0 or more."
            )
        if self.cores_per_node is not None and not 1 <= self.cores_per_node <= MAX_CORES:
            raise ComputeTargetException(
                f"cores_per_node of {self.name!r} is {self.cores_per_node}. "
                f"Use a whole number from 1 to {MAX_CORES}."
            )


class Node(Struct, frozen=True):
    """One runner process. `run_id`, `attempt` and `rank` say whose it is while RUNNING."""

    id: str
    cluster: str
    state: NodeState
    pid: int | None
    since: Micros
    run_id: str | None = None
    attempt: int = 0
    rank: int = 0
    gpus: tuple[str, ...] = ()
    """The GPUs that are its own while it runs, as CUDA_VISIBLE_DEVICES names them."""
    threads: int = 0
    """How many its script may use while it runs."""
    machine: str | None = None
    """The machine whose runner it is; None: a process on the server's own host."""
    draining: bool = False
    """It gets no more work."""
    cores: int = 0
    """Of its machine, for this node; 0: the server's host, which all nodes there share."""
    own_gpus: tuple[str, ...] = ()
    """Of its machine, for this node."""
    address: str = ""
    """Where other nodes of a run reach it; empty: on the server's host, or it has not joined yet."""
    gang: str = ""
    """With which others it was asked for, `faena.compute.gangs`; empty: it was not asked for so."""

    @property
    def is_to_come(self) -> bool:
        """Whether somebody elsewhere was asked for it, and its runner has not joined yet."""
        return bool(self.gang) and not self.address
