"""A server that leaves sees its idle nodes off first: one that is left behind would start the next server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from faena.compute import store as compute
from faena.compute.model import Cluster, Node, NodeState
from faena.db import Database, Write
from faena.kernel.notifications import Notifications
from faena.runs.engine.loop import Engine
from faena.testing.clock import ManualClock


class SlowToLeave:
    """Nodes that live for some looks more."""

    def __init__(self, looks: int, clock: ManualClock) -> None:
        self.looks = looks
        self._clock = clock

    def start(self, node: str) -> int | None:
        raise AssertionError(f"{node} was started by a server that leaves")

    def alive(self) -> set[str]:
        self._clock.advance(1.0)
        self.looks -= 1
        return {"node-1"} if self.looks > 0 else set()

    def tend(self, name: str, arguments: Sequence[str]) -> None:
        raise AssertionError(f"nothing is there to be tended, least of all {name}")

    def forget(self, node: str) -> None:
        pass


def closing(tmp_path: Path, looks: int, check: Callable[[SlowToLeave, Database], Awaitable[None]]) -> None:
    async def scenario() -> None:
        clock = ManualClock()
        notifications = Notifications()
        database = Database(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
        backend = SlowToLeave(looks, clock)
        engine = Engine(
            database,
            backend,
            notifications,
            clock,
            attempts=tmp_path / "attempts",
            builds=tmp_path / "builds",
        )
        try:
            await database.write(lambda write: _one_idle_node(write, clock))
            await engine.close(patience=100)
            await check(backend, database)
        finally:
            database.close()

    asyncio.run(scenario())


def test_it_waits_until_an_idle_node_has_left(tmp_path: Path) -> None:
    async def nobody_is_left(backend: SlowToLeave, database: Database) -> None:
        assert await database.read(compute.list_nodes) == []
        assert backend.looks == 0

    closing(tmp_path, 5, nobody_is_left)


def test_but_not_for_ever(tmp_path: Path) -> None:
    async def one_is_leaving(backend: SlowToLeave, database: Database) -> None:
        assert [node.state for node in await database.read(compute.list_nodes)] == [NodeState.LEAVING]

    closing(tmp_path, 100_000, one_is_leaving)


def _one_idle_node(write: Write, clock: ManualClock) -> None:
    now = clock.now()
    compute.put_cluster(write, Cluster("cpu", 1, 1, 120.0, 1, now, now))
    compute.add_node(write, Node("node-1", "cpu", NodeState.IDLE, None, now))
