"""In front of the application for nodes: beats are answered at once, as long as the node is known by its token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litestar.types import Receive, Scope, Send

from faena.compute import store as compute
from faena.compute.leases import Leases, Terms
from faena.compute.machines import store as machines
from faena.compute.machines import tokens
from faena.compute.machines.model import Machine, Told
from faena.compute.machines.removed import RemovedMachines
from faena.compute.machines.tokens import AttemptTokens
from faena.compute.model import Cluster, ClusterKind
from faena.db import Database, Write
from faena.server.node_listener.authentication import Guard
from faena.testing.clock import ManualClock

MACHINE = "FAENA1-plain-0123456789"


@dataclass
class Listener:
    """The guard with an application behind it, and what was asked of that."""

    guard: Guard
    leases: Leases
    database: Database
    asked: list[str] = field(default_factory=list)

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])

    async def ask(self, path: str, token: str = MACHINE) -> tuple[int, Any]:
        """As the listener does: what the guard has no prompt answer to goes on its way."""
        headers = [(b"authorization", f"Bearer {token}".encode())]
        if (prompt := self.guard.beat(b"POST", path.encode(), headers)) is not None:
            head, _, body = prompt.partition(b"\r\n\r\n")
            assert f"content-length: {len(body)}".encode() in head.splitlines()
            return int(head.split()[1]), json.loads(body)
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        async def receive() -> Any:
            raise AssertionError("nobody needs the body")

        scope: Any = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": headers,
        }
        await self.guard(scope, receive, send)
        return (said[0]["status"], json.loads(said[1]["body"])) if said else (0, None)


def behind_guard(tmp_path: Path, story: Callable[[Listener], Awaitable[None]]) -> None:
    async def scenario() -> None:
        database = Database(tmp_path / "faena.db")
        clock = ManualClock()
        leases = Leases(Terms(), clock.monotonic)

        async def forward(scope: Scope, receive: Receive, send: Send) -> None:
            await listener.application(scope, receive, send)

        guard = Guard(
            forward, database, AttemptTokens(tmp_path), "", clock, leases, RemovedMachines(tmp_path)
        )
        listener = Listener(guard, leases, database)

        def furnish(write: Write) -> None:
            compute.put_cluster(write, Cluster("far", 0, 4, 0.0, None, 0, 0, ClusterKind.JOINED))
            digest = tokens.digest(MACHINE)
            machines.add(write, Machine("m", "far", "shed", digest, "node-1", Told(2), False, 0, 0))

        try:
            await database.write(furnish)
            leases.hear("node-1")
            await story(listener)
        finally:
            database.close()

    asyncio.run(scenario())


def test_a_beat_is_answered_without_the_application_as_long_as_the_node_is_known(tmp_path: Path) -> None:
    async def story(listener: Listener) -> None:
        beat = "/nodes/node-1/beat"
        assert (await listener.ask(beat))[0] == 0
        assert listener.asked == [beat], "the application has the first one of a token"
        for _ in range(2):
            status, answer = await listener.ask(beat)
            said = {"beat_seconds": 2.0, "fence_seconds": 50.0, "lost": False, "endpoints": False}
            assert (status, answer) == (200, said)
        assert (await listener.ask("/nodes/node-2/beat"))[0] == 403
        assert (await listener.ask("/nodes/node-1/beat", "FAENA1-plain-other"))[0] == 401
        listener.leases.call("node-1")
        assert (await listener.ask(beat))[1]["endpoints"] is True
        # the machine is removed
        await listener.database.write(lambda write: machines.remove(write, "m"))
        listener.leases.forget("node-1")
        assert (await listener.ask(beat))[0] == 401
        assert listener.asked == [beat]

    behind_guard(tmp_path, story)


def test_another_runner_of_the_machine_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async def story(listener: Listener) -> None:
        await listener.ask("/nodes/node-1/beat")
        assert (await listener.ask("/nodes/node-1/beat"))[0] == 200
        await listener.database.write(lambda write: machines.change(write, "m", node="node-2"))
        listener.leases.forget("node-1")
        listener.leases.hear("node-2")
        assert (await listener.ask("/nodes/node-1/beat"))[0] == 403
        assert (await listener.ask("/nodes/node-2/beat"))[0] == 200
        assert listener.asked == ["/nodes/node-1/beat"], "by then the token is known as the second node's"

    behind_guard(tmp_path, story)


def test_only_a_beat_of_its_own_node_is_answered_promptly(tmp_path: Path) -> None:
    async def story(listener: Listener) -> None:
        own = [(b"authorization", f"Bearer {MACHINE}".encode())]
        await listener.ask("/nodes/node-1/beat")
        for verb, address, headers in (
            (b"GET", b"/nodes/node-1/beat", own),
            (b"POST", b"/nodes/node-1/beat?a=1", own),
            (b"POST", b"/nodes/node-1/../node-1/beat", own),
            (b"POST", b"/nodes/node-2/beat", own),
            (b"POST", b"/nodes/\xff/beat", own),
            (b"POST", b"/nodes/node-1/beat", []),
            (b"POST", b"/nodes/node-1/beat", own + own),
            (b"POST", b"/nodes/node-1/beat", [(b"authorization", b"Bearer \xff-\xff")]),
        ):
            assert listener.guard.beat(verb, address, headers) is None
        assert listener.guard.beat(b"POST", b"/nodes/node-1/beat", own)

    behind_guard(tmp_path, story)
