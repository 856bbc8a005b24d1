"""The rules, the store and the engine with 10,000 nodes on other machines, without sockets: what is not linear shows.

    python -m benchmarks.many_nodes [--quick]

CPU of the writing thread where a transaction is told of, else of the process. Where the rival is "1,000 nodes" it is
the same with a tenth of them.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from benchmarks.queue import EXPERIMENTS, _queued
from benchmarks.rows import Row, at_most, command
from faena.compute import service as clusters
from faena.compute import store as compute
from faena.compute.backends.joined import JoinedBackend
from faena.compute.leases import Leases, Terms
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.db import Database, Read, Write
from faena.kernel.notifications import Notifications
from faena.runs import service
from faena.runs.engine.loop import Engine
from faena.runs.engine.order import Known
from faena.runs.engine.work import look_for
from faena.testing.clock import ManualClock
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder

_CLUSTER, _RANKS, _MANY = "far", 1_000, 200


def measure(quick: bool = False) -> list[Row]:
    numbers = (200, 2_000) if quick else (1_000, 10_000)
    few, many = (asyncio.run(_measured(number)) for number in numbers)
    rows = []
    for name, (value, unit) in many.items():
        budget = 1000.0 if "many ranks" in name else None
        shown = f"{numbers[1]:,} nodes: {name}"
        beside = (f"{numbers[0]:,} nodes", few[name][0])
        if budget is None:
            rows.append(Row(shown, "", value, unit, *beside))
        else:
            rows.append(at_most(shown, value, budget, unit, rival=beside[0], rival_value=beside[1]))
    return rows


async def _measured(number: int) -> dict[str, tuple[float, str]]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        ground = Ground(Path(folder), number)
        try:
            return await ground.measured()
        finally:
            ground.database.close()


class Ground:
    """An engine with so many nodes, all of which idle."""

    def __init__(self, folder: Path, number: int) -> None:
        self._number = number
        self._folder = WorkspaceFolder(folder, "ws", "bench")
        self._notifications = Notifications()
        self._clock = ManualClock()
        self._leases = Leases(Terms(), self._clock.monotonic)
        self.database = Database(folder / "faena.db", on_commit=self._notifications.notify_from_thread)
        self._engine = Engine(
            self.database,
            JoinedBackend(self._leases),
            self._notifications,
            self._clock,
            attempts=folder / "attempts",
            builds=folder / "builds",
            leases=self._leases,
        )
        self._runs = 0

    async def measured(self) -> dict[str, tuple[float, str]]:
        await self.database.write(self._fill)
        self._hear()
        await self._engine.step()
        found: dict[str, tuple[float, str]] = {}
        found["a beat, the lease's part"] = 1e6 * await _cpu(self._beats) / self._number, "µs"
        found["a look of the engine at rest"] = 1e3 * await _cpu(self._engine._look), "ms"
        found["a step of the engine at rest"] = 1e3 * await _cpu(self._engine.step), "ms"
        ranks = min(_RANKS, self._number // 2)
        found["a run of 1 rank placed"] = await self._placed(1, 1), "ms"
        found["a run of many ranks placed"] = await self._placed(1, ranks), "ms"
        many = min(_MANY, self._number // 8)
        found["many runs of 1 rank placed, each"] = await self._placed(many, 1) / many, "ms"
        found["what a rank is told"] = await self._told(ranks), "µs"
        found["a step of the engine while they run"] = 1e3 * await _cpu(self._engine.step), "ms"
        found["GET /clusters, the database's part"] = 1e3 * await _cpu(self._views), "ms"
        return found

    def _fill(self, write: Write) -> None:
        now = self._clock.now()
        compute.put_cluster(
            write, Cluster(_CLUSTER, 0, self._number, 0.0, None, now, now, ClusterKind.JOINED)
        )
        for name in EXPERIMENTS:
            workspaces.create_experiment(write, name, now)
        for number in range(self._number):
            at = {"machine": f"machine-{number}", "cores": 4, "address": "10.0.0.9"}
            compute.add_node(write, Node(_name(number), _CLUSTER, NodeState.IDLE, None, now, **at))  # type: ignore[arg-type]  # by name

    def _hear(self) -> None:
        for number in range(self._number):
            self._leases.hear(_name(number))

    async def _beats(self) -> None:
        self._hear()

    async def _placed(self, runs: int, ranks: int) -> float:
        """Milliseconds of the transaction that places them."""
        first, self._runs = self._runs, self._runs + runs
        now = self._clock.now()

        def queue(write: Write) -> None:
            for number in range(first, first + runs):
                run = replace(_queued(number, now + number), cluster=_CLUSTER, node_count=ranks)
                service.add(write, run, {}, {})

        def place(write: Write) -> float:
            began = time.thread_time()
            placed = self._engine.placement.step(write)
            if len(placed.runs) != runs:
                raise RuntimeError(f"{len(placed.runs)} of {runs} runs were placed")
            return 1000 * (time.thread_time() - began)

        await self.database.write(queue)
        return await self.database.write(place)

    async def _told(self, ranks: int) -> float:
        """Microseconds for each, as they ask 128 at once."""
        now = self._clock.now()

        def look(read: Read, nodes: list[str]) -> None:
            known = Known()
            for node in nodes:
                look_for(read, known, node, now, self._folder, self._notifications)

        every = [node.id for node in await self.database.read(compute.list_nodes) if node.run_id]
        began = time.process_time()
        for start in range(0, ranks, 128):
            await self.database.read(partial(look, nodes=every[start : start + 128]))
        return 1e6 * (time.process_time() - began) / ranks

    async def _views(self) -> None:
        await self.database.read(
            lambda read: [clusters.view(read, each) for each in compute.list_clusters(read)]
        )


def _name(number: int) -> str:
    return f"node-{number:05d}"


async def _cpu(work: Callable[[], Awaitable[object]], rounds: int = 5) -> float:
    """Seconds of the process, the median of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        await work()
        found.append(time.process_time() - began)
    return sorted(found)[rounds // 2]


if __name__ == "__main__":
    command("Ten thousand nodes", measure)
