"""Queued: clusters grow and shrink, runs get their nodes, all of them or none."""

from __future__ import annotations

from dataclasses import dataclass

from faena.compute import gpus
from faena.compute import model as rules
from faena.compute import store as compute
from faena.compute.model import Cluster, Node, NodeState, Waiting
from faena.db import Write
from faena.kernel import ids
from faena.kernel.clock import Clock, Micros
from faena.runs import moves, store
from faena.runs.engine import threads
from faena.runs.model import Run, RunStatus
from faena.workspaces import store as workspaces


def work_topic(node: str) -> str:
    """What rings when a node has got work or must leave."""
    return f"node:{node}"


@dataclass(frozen=True, slots=True)
class Placed:
    """Nodes that must be started now that their rows are on disk."""

    start: tuple[str, ...]
    next_due: float | None
    """Seconds until an idle node is due to leave; None: no node idles."""


class Placement:
    """Remembers how long nodes idle, by the monotonic clock: a server that was restarted counts anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle_since: dict[str, float] = {}

    def step(self, write: Write, *, closing: bool = False) -> Placed:
        """Plan and write it down. `closing`: no node is started, idle ones leave whatever min_nodes says."""
        now = self._clock.now()
        waiting = store.unfinished(write, *_WAITING)
        served = workspaces.served(write)
        start: list[str] = []
        dues: list[float] = []
        for cluster in compute.list_clusters(write):
            nodes = compute.list_nodes(write, cluster.name)
            idle = self._idle_seconds(nodes)
            if closing:
                self._leave(write, [node.id for node in nodes if node.state is NodeState.IDLE], now)
                continue
            mine = {run.id: run for run in waiting if run.cluster == cluster.name}
            plan = rules.plan(cluster, nodes, [_waiting(run) for run in mine.values()], served, idle)
            each = threads.of_nodes(write, cluster, list(mine.values())) if plan.place else 0
            for run_id, chosen in plan.place:
                _place(write, mine[run_id], chosen, cluster, each, now)
            for run_id, run in mine.items():
                if run_id in plan.blockers:
                    if run.reserved != (run_id == plan.reserve):
                        store.update(write, run_id, {"reserved": run_id == plan.reserve})
                    moves.note_blocker(write, run, plan.blockers[run_id])
            self._leave(write, list(plan.leave), now)
            for _ in range(plan.start):
                node = Node(ids.new_id("node"), cluster.name, NodeState.PREPARING, None, now)
                compute.add_node(write, node)
                start.append(node.id)
            dues += [max(0.0, cluster.idle_seconds_before_scaledown - seconds) for seconds in idle.values()]
        return Placed(tuple(start), min(dues, default=None))

    def _leave(self, write: Write, nodes: list[str], now: Micros) -> None:
        for node in nodes:
            compute.set_state(write, node, NodeState.LEAVING, now)
            write.ring(work_topic(node))

    def _idle_seconds(self, nodes: list[Node]) -> dict[str, float]:
        at = self._clock.monotonic()
        idle = [node.id for node in nodes if node.state is NodeState.IDLE]
        for node in nodes:
            if node.state is not NodeState.IDLE:
                self._idle_since.pop(node.id, None)
        return {node: at - self._idle_since.setdefault(node, at) for node in idle}


_WAITING = (RunStatus.NOT_STARTED, RunStatus.PREPARING, RunStatus.QUEUED)


def _waiting(run: Run) -> Waiting:
    return Waiting(
        run_id=run.id,
        experiment=run.experiment,
        node_count=run.node_count,
        queued_at=run.queued_at or run.created_at,
        reserved=run.reserved,
        ready=run.status is RunStatus.QUEUED,
    )


def _place(
    write: Write, run: Run, nodes: tuple[str, ...], cluster: Cluster, threads_each: int, now: Micros
) -> None:
    attempt = run.attempt + 1
    said = threads.told(threads_each, threads.of_openblas(write, run, cluster, threads_each))
    moves.move(write, run, RunStatus.STARTING, now, attempt=attempt, reserved=False, threads=said)
    workspaces.mark_served(write, run.experiment)
    for rank, node in enumerate(nodes):
        store.add_attempt(write, run.id, attempt, rank, node)
        own = gpus.share(gpus.gpu_ids(), compute.held_gpus(write), cluster.max_nodes)
        compute.assign(write, node, run.id, attempt, rank, own, threads_each, now)
        write.ring(work_topic(node))
