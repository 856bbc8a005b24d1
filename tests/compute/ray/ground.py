"""Servers with a Ray cluster, whichever it is: rows, leases, keeper and bridge are the true ones; without HTTP."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from faena.compute import store as compute
from faena.compute.backends.joined import JoinedBackend
from faena.compute.backends.ray.bridge import RUNNING, Bridge
from faena.compute.backends.ray.keeper import RayKeeper
from faena.compute.backends.ray.schemas import BridgeReport, Wanted
from faena.compute.backends.ray.settings import RaySettings
from faena.compute.contract import Backend
from faena.compute.gangs import Place
from faena.compute.leases import Leases, Terms
from faena.compute.machines import service as machines
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.db import Database, Write
from faena.kernel.clock import SystemClock
from faena.kernel.notifications import Notifications
from faena.server.app import House  # noqa: F401  adds the tables of all features
from faena.testing.waiting import until
from faena.workspaces.secrets import Secrets

if TYPE_CHECKING:
    from faena.compute.backends.ray.bridge import Cluster as RayCluster

NAME = "big"
_FREE = "10.0.0.7"


class Ground:
    """`start`: what a node of a name is started with."""

    def __init__(self, folder: Path, ray: RayCluster, start: Any) -> None:
        self._folder = folder
        self._ray = ray
        self._start = start
        self._loop = asyncio.Runner()
        self._clock = SystemClock()
        self._notifications = self._loop.run(_notifications())
        self._database = Database(folder / "faena.db")
        self._bridge = Bridge(ray, start)
        self._server: tuple[Leases, RayKeeper] | None = None
        settings = RaySettings("http://head:8265")
        made = Cluster(NAME, 0, 4, 60.0, 1, 0, 0, ClusterKind.RAY, settings.text)
        self._write(lambda write: compute.put_cluster(write, made))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bridge.follow({"gangs": []})
        self._loop.close()
        self._database.close()

    def server(self) -> Backend:
        """The next one, who knows what is in the database."""
        leases = Leases(Terms(), self._clock.monotonic)
        tokens = Secrets(self._folder, "tokens.json")
        keeper = RayKeeper(
            self._database, self._notifications, self._clock, leases, tokens, "w", _address, lambda: "runner"
        )
        self._server = leases, keeper
        return JoinedBackend(leases)

    def begin(self, _backend: Backend, node: str) -> None:
        """It is asked for, the bridge has Ray start it, its runner joins and is heard."""
        assert self._server is not None
        place = Place(f"gang-{node}", 0, 1)
        if self._read(node) is None:
            self._write(partial(_ask, node, place.text))
        until(lambda: self._turn().get((place.gang, 0)) == RUNNING, "its runner lives")
        self._write(partial(_join, node))
        self._server[0].hear(node)

    def ended(self, node: str) -> None:
        """Its runner is no more, and the bridge tells so."""
        until(lambda: self._told(node), "the server has heard of it")

    def _told(self, node: str) -> bool:
        self._turn()
        return self._read(node) is None

    def _turn(self) -> dict[tuple[str, int], str]:
        """The bridge tells what it sees, and does what it hears."""
        assert self._server is not None
        seen = self._bridge.look()
        report = msgspec.convert({"bridge": "b", "nodes": seen}, BridgeReport)
        wanted: Wanted = self._loop.run(self._server[1].answer(NAME, report))
        self._bridge.follow(msgspec.to_builtins(wanted))
        return {(each["gang"], each["rank"]): each["state"] for each in seen}

    def _read(self, node: str) -> Node | None:
        async def find() -> Node | None:
            return await self._database.read_first(partial(compute.node, node_id=node))

        return self._loop.run(find())

    def _write(self, what: Any) -> None:
        def write(write: Write) -> None:
            what(write)

        self._database.submit_write(write).result()


def _ask(node: str, place: str, write: Write) -> None:
    cluster = compute.cluster(write, NAME)
    assert cluster is not None
    [machine] = machines.expect(write, cluster, 1, 1)
    asked = Node(node, NAME, NodeState.PREPARING, None, 1, machine=machine.id)
    machines.expected(write, machine, asked, place)


def _join(node: str, write: Write) -> None:
    here = compute.nodes.c.id == node
    write.execute(compute.nodes.update().where(here).values(state=NodeState.IDLE, address=_FREE))


async def _notifications() -> Notifications:
    return Notifications()


async def _address() -> tuple[str, str]:
    return "https://10.0.0.1:7001", "0" * 64
