"""Clusters and nodes, and the pure rules of elasticity and placement."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from faena.kernel.clock import Micros
from faena.kernel.errors import ComputeTargetException

MAX_NODES = 1000
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


@dataclass(frozen=True, slots=True)
class Cluster:
    """An elastic set of nodes on one machine."""

    name: str
    min_nodes: int
    max_nodes: int
    idle_seconds_before_scaledown: float
    cores_per_node: int | None
    """None: what the nodes that run at once leave of the machine's cores."""
    created_at: Micros
    modified_at: Micros

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


@dataclass(frozen=True, slots=True)
class Node:
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
    """Indexes of the GPUs that are its own while it runs."""
    threads: int = 0
    """How many its script may use while it runs."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that wants nodes. `ready` is False while its environment is still being made."""

    run_id: str
    experiment: str
    node_count: int
    queued_at: Micros
    reserved: bool
    ready: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do next for one cluster."""

    start: int = 0
    place: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reserve: str | None = None
    leave: tuple[str, ...] = ()
    blockers: dict[str, str] = field(default_factory=dict)


def in_turn(waiting: list[Waiting], served: dict[str, int]) -> list[Waiting]:
    """Runs in the order in which they get nodes.

    A run that holds a reservation stays first, and that is its experiment's turn. Otherwise experiments take turns,
    the one served longest ago first, and within an experiment the run that queued first.
    """
    lines: dict[str, list[Waiting]] = {}
    for run in sorted(waiting, key=lambda run: (not run.reserved, run.queued_at, run.run_id)):
        lines.setdefault(run.experiment, []).append(run)
    turns = sorted(
        lines.values(),
        key=lambda line: (served.get(line[0].experiment, 0), line[0].queued_at, line[0].run_id),
    )
    depth = max((len(line) for line in turns), default=0)
    order = [line[place] for place in range(depth) for line in turns if place < len(line)]
    return sorted(order, key=lambda run: not run.reserved)


def plan(
    cluster: Cluster,
    nodes: list[Node],
    waiting: list[Waiting],
    served: dict[str, int],
    idle_seconds: dict[str, float],
) -> Plan:
    """Place what fits, reserve for what does not, grow for what waits, shrink what idles too long.

    `waiting` includes runs that are not ready yet: the cluster grows while their environment is made.
    `idle_seconds` maps the id of an idle node to how long it has been idle.
    """
    free = [node.id for node in nodes if node.state is NodeState.IDLE]
    place: list[tuple[str, tuple[str, ...]]] = []
    reserve: str | None = None
    blockers: dict[str, str] = {}
    order = in_turn([run for run in waiting if run.ready], served)
    for position, run in enumerate(order):
        if reserve is None and run.node_count <= len(free):
            place.append((run.run_id, tuple(free[: run.node_count])))
            del free[: run.node_count]
            continue
        if reserve is None:
            reserve = run.run_id
        blockers[run.run_id] = _blocker(cluster, nodes, run, ahead=position - len(place), free=len(free))

    placed = {run_id for run_id, _ in place}
    wanted = sum(run.node_count for run in waiting if run.run_id not in placed)
    usable = [node for node in nodes if node.state is not NodeState.LEAVING]
    coming = sum(node.state is NodeState.PREPARING for node in usable)
    missing = max(wanted - len(free) - coming, cluster.min_nodes - len(usable))
    start = max(0, min(missing, cluster.max_nodes - len(nodes)))

    spare = max(0, min(len(free) - wanted, len(usable) - cluster.min_nodes))
    spare_nodes = sorted(free, key=lambda node: -idle_seconds.get(node, 0.0))[:spare]
    overdue = [
        node for node in spare_nodes if idle_seconds.get(node, 0.0) >= cluster.idle_seconds_before_scaledown
    ]
    return Plan(start, tuple(place), reserve, tuple(overdue), blockers)


def _blocker(cluster: Cluster, nodes: list[Node], run: Waiting, *, ahead: int, free: int) -> str:
    if ahead:
        return f"{ahead} run{'s' if ahead > 1 else ''} ahead of it on {cluster.name!r}"
    starting = sum(node.state is NodeState.PREPARING for node in nodes)
    if starting or len(nodes) < cluster.max_nodes:
        return f"nodes of {cluster.name!r} are starting ({free} of {run.node_count} free)"
    busy = sum(node.state is NodeState.RUNNING for node in nodes)
    return (
        f"{busy} of {cluster.max_nodes} nodes of {cluster.name!r} are busy ({free} of {run.node_count} free)"
    )
