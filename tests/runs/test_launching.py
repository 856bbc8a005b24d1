"""What nodes of a run tell each other: asked for before it is there, and kept by a server that is started again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from faena.compute import store as compute
from faena.compute.model import Cluster
from faena.compute.waiting import Gpu
from faena.db import Database, Write
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.notifications import Notifications
from faena.runs import attempt_store, service
from faena.runs.engine import launch_routes
from faena.runs.engine.batches import Rank
from faena.runs.engine.launch_routes import Told
from faena.runs.model import RunStatus
from faena.testing.clock import ManualClock
from faena.workspaces import store as workspaces
from tests.databases import Databases
from tests.runs.test_queue import a_run


class Nodes:
    """Two, of run "r"."""

    def __init__(self, database: Database, notifications: Notifications) -> None:
        self.database = database
        self._notifications = notifications

    async def tell(self, node: int, run: str = "r", **told: Any) -> None:
        await launch_routes.tell.fn(Rank(run, 1, node), Told(told), self.database)

    async def hear(self, node: int, name: str, nodes: int, wait: float = 30.0) -> Any:
        key, clock = Rank("r", 1, node), ManualClock()
        found = await launch_routes.heard.fn(
            key, name, nodes, wait, self.database, self._notifications, clock
        )
        return found.told


@pytest.fixture
def tried(databases: Databases, tmp_path: Path) -> Callable[[Callable[[Nodes], Awaitable[None]]], None]:
    def run(story: Callable[[Nodes], Awaitable[None]]) -> None:
        async def scenario() -> None:
            notifications = Notifications()
            database = databases.open(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
            await database.write(_begin)
            await story(Nodes(database, notifications))

        asyncio.run(scenario())

    return run


def _begin(write: Write) -> None:
    compute.put_cluster(write, Cluster("cpu", 0, 2, 120.0, 1, 1, 1))
    workspaces.create_experiment(write, "exp", 1)
    waiting = a_run("r", "exp", 1, "cpu", Gpu.NONE, 2)
    service.add(write, replace(waiting, status=RunStatus.STARTING, attempt=1), {}, {})
    for node in (0, 1):
        attempt_store.add_attempt(write, "r", 1, node, f"node-{node}")


Story = Callable[[Callable[[Nodes], Awaitable[None]]], None]


def test_who_asks_too_early_is_answered_when_all_have_told(tried: Story) -> None:
    async def story(nodes: Nodes) -> None:
        asking = asyncio.create_task(nodes.hear(1, "ports", 2))
        await nodes.tell(0, ports=[1])
        await nodes.tell(0, other="x")
        await asyncio.sleep(0)
        assert not asking.done()
        await nodes.tell(1, ports=[2])
        assert await asking == [[1], [2]]
        assert await nodes.hear(0, "other", 1) == ["x"], "what was told before by other names stays"

    tried(story)


def test_what_is_not_there_is_none_after_a_while(tried: Story) -> None:
    async def story(nodes: Nodes) -> None:
        assert await nodes.hear(1, "commands", 1, wait=0.0) is None

    tried(story)


def test_what_nobody_has_or_is_too_long_is_refused(tried: Story) -> None:
    async def story(nodes: Nodes) -> None:
        with pytest.raises(NotFound):
            await nodes.tell(2, ports=[1])
        with pytest.raises(NotFound):
            await nodes.tell(0, run="another", ports=[1])
        with pytest.raises(UserErrorException, match="1,048,576 bytes at most"):
            await nodes.tell(0, commands="x" * (1 << 20))

    tried(story)


def test_a_server_that_is_started_again_knows_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        for beginning in (True, False):
            notifications = Notifications()
            database = Database(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
            nodes = Nodes(database, notifications)
            if beginning:
                await database.write(_begin)
                await nodes.tell(0, commands=["proxy"])
            else:
                assert await nodes.hear(1, "commands", 1) == [["proxy"]]
            database.close()

    asyncio.run(scenario())
