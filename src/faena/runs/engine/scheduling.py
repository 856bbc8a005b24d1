"""Queued: clusters grow and shrink, runs get their nodes, all of them or none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import islice

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from faena.compute import gpus as machine
from faena.compute import store as compute
from faena.compute.cores import machine_cores
from faena.compute.gpu_shares import FreeGpus, Gpus, own_gpus
from faena.compute.gpus import Listed
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.compute.scheduling import Plan, most_wanted, plan
from faena.compute.waiting import Given, Gpu, Waiting, Wanted
from faena.db import Read, Write
from faena.db.failures import OF_DATABASE
from faena.kernel import ids
from faena.kernel.clock import Clock, Micros
from faena.runs import attempt_store, checkpoints, queue, quota_store, record_store, store, transitions
from faena.runs.engine import growth, threads
from faena.runs.engine.unbuildable import Unbuildable
from faena.runs.model import Run, RunStatus
from faena.runs.months import begin_of, following, month_of
from faena.runs.queue import Queues
from faena.runs.submission_schemas import Submission
from faena.workspaces import store as workspaces

_log = logging.getLogger(__name__)

MOST_TOGETHER = 256
"""Runs that are placed in one transaction: others need not wait long for theirs."""
_SPARE = 16
"""Nodes that are read beside those that are wanted, for runs that some of them are nothing for."""
GPUS_TAKEN = "gpus_taken"
_NO_GPU_LEFT = (
    "All GPUs of this machine were in use when the run got its nodes: the script has none on {}. "
    "With gpu='require' a run waits until one is free."
)


def work_topic(node: str) -> str:
    """What is notified when a node has got work or must leave."""
    return f"node:{node}"


class Placed(Struct, frozen=True):
    """Nodes that must be started now that their rows are on disk."""

    start: tuple[str, ...]
    next_due: float | None
    """Seconds until an idle node is due to leave; None: no node idles."""
    runs: frozenset[str] = frozenset()
    """Those that got nodes."""
    asks_for_gpus: bool = False
    """A run wants one, and which ones there are is not known."""
    asked_for: tuple[str, ...] = ()
    """Nodes that somebody elsewhere is to start."""
    again_at: Micros | None = None
    """When to look again whatever happens: a month of quotas begins."""


class Placement:
    """Remembers how long nodes idle, by the monotonic clock: a server that was restarted counts anew."""

    def __init__(self, clock: Clock, gpus: Callable[[], Listed | None] = machine.known) -> None:
        self._clock = clock
        self._gpus = gpus
        self._idle_since: dict[str, float] = {}

    def refill(self, write: Write, cluster: str) -> frozenset[str]:
        """Give nodes of a cluster that idle what waits for them, in the transaction that made one idle or a run wait.

        The runs that got one. Clusters grow and shrink when the engine looks.
        """
        if queue.is_empty(write) or not compute.has_idle(
            write, cluster
        ):  # mostly, where a model is yet to draw
            return frozenset()
        try:
            with write.apart():
                return self._plan(write, resizes=False).runs
        except OF_DATABASE:
            raise
        except Exception:  # noqa: BLE001  whatever it is, it concerns neither the run that ends nor the one that comes
            _log.exception("nodes of %s could not be given work at once; the engine looks again", cluster)
            return frozenset()

    def step(self, write: Write, *, closing: bool = False) -> Placed:
        """Plan and write it down. `closing`: no node is started, idle ones leave whatever min_nodes says."""
        if closing:
            self._leave(write, list(self._idle_seconds(compute.list_here(write))))
            return Placed((), None)
        return self._plan(write, resizes=True)

    def _plan(self, write: Write, *, resizes: bool) -> Placed:
        clusters = compute.list_clusters(write)
        nodes = _of_those_that_grow(write, clusters)
        idle = self._idle_seconds(nodes)
        now = self._clock.now()
        queues = Queues(write, now)
        listed = self._gpus()
        held = {gpu for node in nodes if node.machine is None for gpu in node.gpus}
        pool = FreeGpus(listed.devices if listed else (), held, known=listed is not None)
        by_id = {node.id: node for node in nodes}
        start: list[str] = []
        asked_for: list[str] = []
        dues: list[float] = []
        placed: set[str] = set()
        for cluster in _by_need_of_gpus(clusters, queues):
            wanted = Wanted(0)
            if cluster.kind.grows:
                own = [node for node in nodes if node.cluster == cluster.name]
                if len(own) < cluster.max_nodes or any(node.id in idle or node.is_to_come for node in own):
                    wanted = queues.wanted(cluster.name, most_wanted(cluster))
            elif queues.waits(cluster.name):
                wanted = queues.wanted(cluster.name, most_wanted(cluster))
                own = _idle_elsewhere(write, cluster, queues, wanted)
                by_id |= {node.id: node for node in own}
            else:
                continue
            gpus = pool if cluster.kind is ClusterKind.LOCAL else own_gpus(own)
            made = self._fill(write, cluster, own, by_id, queues, gpus, idle, wanted)
            placed |= {run.run_id for run, _ in made.place}
            if resizes and cluster.kind is ClusterKind.RAY:
                self._leave(write, made.leave)
                asked_for += growth.resize(write, cluster, made, own, queues, self._clock.now())
            elif resizes:
                start += self._resize(write, cluster, made)
            dues += [
                max(0.0, cluster.idle_seconds_before_scaledown - idle[node.id])
                for node in own
                if node.id in idle and cluster.kind.grows
            ]
        for run_id in queues.unreadable:
            _give_up(write, run_id, "its row holds what no run can have", self._clock.now())
        asks = queues.wants_gpus and not pool.known
        due = min(dues, default=None)
        again = begin_of(following(month_of(now))) if queues.shares.is_any_spent else None
        return Placed(tuple(start), due, frozenset(placed), asks, tuple(asked_for), again)

    def _fill(
        self,
        write: Write,
        cluster: Cluster,
        own: Sequence[Node],
        nodes: dict[str, Node],
        queues: Queues,
        pool: Gpus,
        idle: dict[str, float],
        wanted: Wanted,
    ) -> Plan:
        """`nodes`: by id, of clusters that grow, and those that may get runs; changed as they do."""
        line = queues.in_turn(cluster.name, lambda: pool.passed_over)
        if cluster.kind.grows:
            made = plan(cluster, own, islice(line, MOST_TOGETHER), wanted, idle, pool, queues.shares)
        else:
            unbuildable = Unbuildable(write, cluster.name, own)
            some = islice(unbuildable.passed_over(line), MOST_TOGETHER)
            made = unbuildable.avoided(plan(cluster, own, some, wanted, idle, pool, queues.shares))
        if made.place:
            cores = machine_cores()
            here = [node for node in nodes.values() if node.machine is None]
            each = threads.of_nodes(cluster, here, wanted.nodes + wanted.with_gpu, cores)
            for node in _place(write, cluster, made.place, nodes, each, cores, pool, self._clock.now()):
                nodes[node.id] = node
        if len(made.place) >= MOST_TOGETHER:  # there may be more
            write.notify(transitions.ENGINE_SOON)
        if made.place and queues.has_several:
            quota_store.mark_served(write, [waiting.user for waiting, _ in made.place])
        _reserve(write, queues.reserved(cluster.name), made)
        return made

    def _resize(self, write: Write, cluster: Cluster, made: Plan) -> list[str]:
        """The nodes to start."""
        self._leave(write, made.leave)
        now = self._clock.now()
        started = [
            Node(ids.new_id("node"), cluster.name, NodeState.PREPARING, None, now) for _ in range(made.start)
        ]
        for node in started:
            compute.add_node(write, node)
        return [node.id for node in started]

    def _leave(self, write: Write, nodes: Sequence[str]) -> None:
        for node in nodes:
            compute.set_state(write, node, NodeState.LEAVING, self._clock.now())
            write.notify(work_topic(node))

    def _idle_seconds(self, nodes: Sequence[Node]) -> dict[str, float]:
        at = self._clock.monotonic()
        idle = {node.id for node in nodes if node.state is NodeState.IDLE}
        self._idle_since = {node: self._idle_since.get(node, at) for node in idle}
        return {node.id: at - self._idle_since[node.id] for node in nodes if node.id in idle}


def _of_those_that_grow(read: Read, clusters: Sequence[Cluster]) -> list[Node]:
    """The nodes of clusters that have as many as are needed; machines that people join may be thousands."""
    nodes = compute.list_here(read)
    for cluster in clusters:
        if cluster.kind is ClusterKind.RAY:
            nodes += compute.list_nodes(read, cluster.name)
    return nodes


def _idle_elsewhere(write: Write, cluster: Cluster, queues: Queues, wanted: Wanted) -> list[Node]:
    """Its nodes that may get what waits, no more than that needs: there may be thousands that idle."""
    needed = cluster.max_nodes
    if queues.kinds(cluster.name) == {Gpu.NONE}:  # else each must be known, with its GPUs
        needed = min(needed, wanted.nodes + _SPARE)
    return compute.idle_elsewhere(write, cluster.name, needed)


def _by_need_of_gpus(clusters: Sequence[Cluster], queues: Queues) -> list[Cluster]:
    """Those first in which a run has waited longest for the machine's GPUs, which all clusters share."""

    def since(cluster: Cluster) -> float:
        waiting = [run.queued_at for run in queues.reserved(cluster.name) if run.gpu is Gpu.REQUIRE]
        return min(waiting, default=float("inf"))

    return sorted(clusters, key=since)


def _reserve(write: Write, before: Sequence[Waiting], made: Plan) -> None:
    placed = {run.run_id for run, _ in made.place}
    had = {run.run_id for run in before} - placed
    for run_id in had ^ set(made.reserve):
        store.update(write, run_id, {"reserved": run_id in made.reserve})


def _place(
    write: Write,
    cluster: Cluster,
    chosen: Sequence[tuple[Waiting, tuple[Given, ...]]],
    there: Mapping[str, Node],
    threads_here: int,
    cores: int,
    pool: Gpus,
    now: Micros,
) -> list[Node]:
    """Give these runs their nodes, as they are then. What is wrong with one of the runs ends that one alone."""
    found = store.get_many(write, [waiting.run_id for waiting, _ in chosen])
    has_chainer = cache(partial(threads.has_chainer, write))
    moved: list[tuple[Run, dict[str, object]]] = []
    given: list[Node] = []
    began_from: dict[str, bytes | None] = {}
    for waiting, nodes in chosen:
        try:
            run = found[waiting.run_id]
            submission = msgspec.json.decode(run.submission, type=Submission)
            few = run.lock is not None and has_chainer(run.lock)
        except store.UNREADABLE as error:
            _give_up(write, waiting.run_id, str(error), now)
            continue
        attempt = run.attempt + 1
        if attempt > 1:
            began_from[run.id] = _began_from(write, run, submission, attempt)
        first = there[nodes[0].node]
        of = first.cores or cores
        each_has = threads.of_node(cluster, first, threads_here)
        openblas = threads.of_openblas(cluster, each_has, of, has_chainer=few)
        changes = {
            "attempt": attempt,
            "reserved": False,
            "threads": threads.told(each_has, openblas, of),
        }
        moved.append((run, changes))
        given += [
            replace(
                there[each.node],
                state=NodeState.RUNNING,
                since=now,
                run_id=run.id,
                attempt=attempt,
                rank=rank,
                gpus=each.gpus,
                threads=threads.of_node(cluster, there[each.node], threads_here),
            )
            for rank, each in enumerate(nodes)
        ]
        lacking = [rank for rank, each in enumerate(nodes) if not each.gpus]
        if waiting.gpu is Gpu.AUTO and lacking and isinstance(pool, FreeGpus) and pool.total:
            which = "its node" if run.node_count == 1 else f"{len(lacking)} of its {run.node_count} nodes"
            record_store.add_note(write, run.id, GPUS_TAKEN, _NO_GPU_LEFT.format(which))
    transitions.move_all(write, moved, RunStatus.STARTING, now)
    workspaces.mark_served(write, [run.experiment for run, _ in moved])
    attempt_store.add_attempts(
        write,
        [
            (
                str(node.run_id),
                node.attempt,
                node.rank,
                node.id,
                began_from.get(str(node.run_id)),
                node.machine,
            )
            for node in given
        ],
    )
    compute.assign_all(write, given, now)
    for node in given:
        write.notify(work_topic(node.id))
    return given


def _began_from(write: Write, run: Run, submission: Submission, attempt: int) -> bytes | None:
    found = checkpoints.to_go_on_from(write, run, submission, attempt)
    return None if found is None or found.run != run.id else msgspec.json.encode(found)


def _give_up(write: Write, run_id: str, why: str, now: Micros) -> None:
    _log.error("run %s cannot be read and is ended: %s", run_id, why)
    transitions.end_unreadable(write, run_id, why, now)
