"""Wire types of clusters."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from faena.compute.kinds import ClusterKind


class ClusterRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Create or update a cluster. `cores_per_node` None: the machine's cores, shared by the nodes that run at once."""

    max_nodes: int = 4
    min_nodes: int = 0
    idle_seconds_before_scaledown: float = 120
    cores_per_node: int | None = None
    kind: ClusterKind = ClusterKind.LOCAL


class NodeCounts(Struct, frozen=True, rename="camel"):
    preparing_node_count: int = 0
    running_node_count: int = 0
    idle_node_count: int = 0
    unusable_node_count: int = 0
    leaving_node_count: int = 0
    preempted_node_count: int = 0


class ScaleSettings(Struct, frozen=True, rename="camel"):
    min_node_count: int
    max_node_count: int
    node_idle_time_before_scale_down: str


class ClusterStatus(Struct, frozen=True, rename="camel"):
    """The keys and their order are v1's."""

    current_node_count: int
    target_node_count: int
    node_state_counts: NodeCounts
    allocation_state: str
    allocation_state_transition_time: str
    errors: list[dict[str, Any]] | None
    creation_time: str
    modified_time: str
    provisioning_state: str
    provisioning_state_transition_time: str
    scale_settings: ScaleSettings
    vm_priority: str
    vm_size: str


class ClusterView(Struct, frozen=True):
    name: str
    cores_per_node: int
    status: ClusterStatus
    shares_cores: bool = False
    """`cores_per_node` is the least that a node gets: one that runs beside fewer others gets more."""
    gpus_per_node: int | None = None
    """What a node gets at most of the machine's GPUs, where its run wants them; None while it is not known how many."""
    kind: str = ClusterKind.LOCAL.value
    settings: str = ""
    """What only clusters of its kind have, as JSON; no secret."""
    waits: str = ""
    """What whoever starts its nodes waits for."""
