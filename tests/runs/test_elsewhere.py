"""Runs on machines that fall silent, are lost, and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

import faena
from faena.attempts.records import ORDERS
from faena.compute import store as compute
from faena.compute.backends.joined import JoinedBackend
from faena.compute.leases import Leases, Terms
from faena.compute.machines import service as machines
from faena.compute.machines import store as machine_store
from faena.compute.machines.schemas import JoinRequest, JoinTokenRequest
from faena.compute.machines.service import Welcome
from faena.compute.model import Cluster, ClusterKind, Node
from faena.db import Database, Read, Write
from faena.kernel import settings
from faena.kernel.errors import AuthenticationException, Conflict
from faena.kernel.notifications import Notifications
from faena.runs import record_store, service, store
from faena.runs.engine import attempts, elsewhere
from faena.runs.engine.elsewhere import Left
from faena.runs.engine.loop import Engine
from faena.runs.engine.order import Known
from faena.runs.engine.work import look_for, work_for
from faena.runs.model import EndReason, Outcome, Run
from faena.testing.clock import ManualClock
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder
from tests.runs.test_ending_attempts import _add_run

COMPLETED = Outcome(EndReason.COMPLETED)


@dataclass
class Shop:
    """A workspace with a cluster that machines join, and its engine, which looks when it is told to."""

    database: Database
    engine: Engine
    leases: Leases
    clock: ManualClock
    folder: WorkspaceFolder
    token: str = ""

    async def join(
        self, name: str, *there: str, token: str = "", temporary: bool = False
    ) -> tuple[Welcome, Left]:
        """`there`: attempts that lie on the machine. `token`: its own, where it joined before."""
        version = (faena.__version__, settings.WIRE_VERSION, ORDERS, "3.11.2", "linux-x86_64")
        asked = JoinRequest(name, *version, 2, open=there, temporary=temporary)
        now, alive = self.clock.now(), self.leases.alive()

        def joins(write: Write) -> tuple[Welcome, Left]:
            made = machines.join(write, asked, token or self.token, "10.0.0.2", now, alive, "")
            return made, elsewhere.take_stock(write, made.machine.id, asked.open, now)

        made, left = await self.database.write(joins)
        self.leases.hear(made.node.id)
        return made, left

    async def give(self, run_id: str, node: Node) -> None:
        """The run is queued, placed, and its script starts on the node."""
        await self.queue(run_id)
        await self.asks(node)
        await self.engine.step()
        await self.start(run_id, 1)

    async def queue(self, run_id: str) -> None:
        now = self.clock.now()
        await self.database.write(lambda write: _add_run(write, run_id, now))

    async def asks(self, node: Node) -> object:
        """The node asks for work."""
        now, placement = self.clock.now(), self.engine.placement
        notifications = Notifications()
        return await self.database.write(
            lambda write: work_for(write, node.id, now, self.folder, notifications, placement)
        )

    async def start(self, run_id: str, attempt: int) -> None:
        now = self.clock.now()
        await self.database.write(
            lambda write: attempts.Progress.find(write, run_id, attempt, 0).started(now, now)
        )

    async def end(self, run_id: str, attempt: int, outcome: Outcome = COMPLETED) -> None:
        """As the runner that has this attempt, or whoever brings it to its end."""

        def ends(write: Write) -> None:
            attempts.give_up(write, run_id, attempt, 0, outcome, self.clock.now())

        await self.database.write(ends)

    async def wait(self, seconds: int, *heard: Node) -> None:
        """The engine looks each second; something is heard of these nodes meanwhile."""
        for _ in range(seconds):
            self.clock.advance(1.0)
            for node in heard:
                self.leases.hear(node.id)
            await self.engine.step()

    async def run(self, run_id: str) -> Run:
        return await self.database.read(lambda read: service.get(read, run_id))

    async def shown(self, run_id: str) -> str:
        return (await self.run(run_id)).shown_status


def in_shop(tmp_path: Path, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def scenario() -> None:
        clock, notifications = ManualClock(), Notifications()
        database = Database(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
        leases = Leases(Terms(), clock.monotonic)
        engine = Engine(
            database,
            JoinedBackend(leases),
            notifications,
            clock,
            attempts=tmp_path / "attempts",
            builds=tmp_path / "builds",
            leases=leases,
        )
        now = clock.now()

        def furnish(write: Write) -> str:
            compute.put_cluster(write, Cluster("cpu", 0, 4, 0.0, None, now, now, ClusterKind.JOINED))
            workspaces.create_experiment(write, "exp", now)
            return machines.new_join_token(write, JoinTokenRequest("cpu"), "https://x", "", now).token

        try:
            shop = Shop(database, engine, leases, clock, WorkspaceFolder(tmp_path, "ws", "test"))
            shop.token = await database.write(furnish)
            await story(shop)
        finally:
            database.close()

    asyncio.run(scenario())


def test_a_run_whose_node_is_silent_says_so_until_it_is_heard_again(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        await shop.wait(4)
        assert await shop.shown("one") == "Running"
        await shop.wait(16)
        assert await shop.shown("one") == "NotResponding"
        await shop.wait(1, made.node)
        assert await shop.shown("one") == "Running"
        await shop.end("one", 1)
        assert await shop.shown("one") == "Completed"

    in_shop(tmp_path, story)


def test_a_run_whose_machine_is_lost_goes_again_elsewhere(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        other, _ = await shop.join("barn")
        await shop.asks(other.node)
        await shop.wait(59, other.node)
        assert (await shop.run("one")).attempt == 1
        await shop.wait(2, other.node)
        found = await shop.run("one")
        assert (found.attempt, found.shown_status) == (2, "Starting")
        notes = await shop.database.read(lambda read: dict(record_store.list_notes(read, "one")))
        assert "The run goes again" in notes["goes_again"]

    in_shop(tmp_path, story)


def test_an_attempt_that_was_given_up_changes_no_state_any_more(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        other, _ = await shop.join("barn")
        await shop.asks(other.node)
        await shop.wait(61, other.node)
        await shop.start("one", 2)
        again, left = await shop.join("shed", "one/1/0", "nobodys/1/0", token=made.token)
        assert left == Left(adopt=("one/1/0",), forget=("nobodys/1/0",)), "its bytes are welcome"
        await shop.end("one", 1)
        found = await shop.run("one")
        assert (found.attempt, found.shown_status) == (2, "Running")
        assert again.node.id != made.node.id

    in_shop(tmp_path, story)


def test_a_run_whose_node_is_lost_while_it_brings_what_is_left_says_what_may_be_missing(
    tmp_path: Path,
) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        now = shop.clock.now()
        await shop.database.write(
            lambda write: attempts.Progress.find(write, "one", 1, 0).ended(COMPLETED, now)
        )
        await shop.wait(61)
        found = await shop.run("one")
        assert (found.attempt, found.shown_status) == (1, "Completed")
        notes = await shop.database.read(lambda read: dict(record_store.list_notes(read, "one")))
        assert (
            "Files, lines and metrics may be missing: they come when the machine is back"
            in notes["left_on_node"]
        )
        _, left = await shop.join("shed", "one/1/0", token=made.token)
        assert left.adopt == ("one/1/0",), "what it has is welcome"

    in_shop(tmp_path, story)


def test_a_run_that_goes_again_is_not_to_be_submitted_again(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        lost = Outcome(EndReason.NODE_LOST, "The runner died. Submit the run again.")
        now = shop.clock.now()
        await shop.database.write(lambda write: attempts.give_up(write, "one", 1, 0, lost, now))
        notes = await shop.database.read(lambda read: dict(record_store.list_notes(read, "one")))
        assert notes["goes_again"] == "Attempt 1 ended: The runner died. The run goes again."

    in_shop(tmp_path, story)


def test_a_runner_that_starts_again_finishes_what_the_one_before_had(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        again, left = await shop.join("shed", "one/1/0", token=made.token)
        assert left.adopt == ("one/1/0",)
        await shop.wait(30, again.node)
        assert await shop.shown("one") == "Running", "it is waited for"
        await shop.end("one", 1)
        assert await shop.shown("one") == "Completed"

    in_shop(tmp_path, story)


def test_what_a_machine_has_not_any_more_is_lost_at_once(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        again, _ = await shop.join("shed", token=made.token)
        await shop.asks(again.node)
        await shop.wait(1, again.node)
        assert (await shop.run("one")).attempt == 2

    in_shop(tmp_path, story)


def test_a_server_that_starts_gives_each_node_a_fresh_term(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.give("one", made.node)
        shop.leases.forget(made.node.id)
        running = asyncio.create_task(shop.engine.run_forever())
        while not shop.leases.is_known(made.node.id):
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await shop.wait(4)
        assert await shop.shown("one") == "Running"

    in_shop(tmp_path, story)


def test_a_joined_cluster_neither_grows_nor_shrinks_by_itself(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        made, _ = await shop.join("shed")
        await shop.asks(made.node)
        for name in ("a", "b", "c"):
            await shop.queue(name)
        await shop.wait(30, made.node)
        nodes = await shop.database.read(compute.list_nodes)
        assert [node.id for node in nodes] == [made.node.id]
        for name in ("a", "b", "c"):
            await shop.end(name, 1)
            await shop.wait(1, made.node)
        await shop.wait(30, made.node)
        assert len(await shop.database.read(compute.list_nodes)) == 1, "an idle one stays"

    in_shop(tmp_path, story)


def test_nodes_that_idle_are_read_as_far_as_they_are_needed_those_without_gpus_first(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        nodes = [(await shop.join(name))[0].node for name in ("a", "b", "c")]
        for node in nodes:
            await shop.asks(node)
        await shop.database.write(lambda write: give_gpus(write, nodes[0].id))

        def idle(most: int) -> Callable[[Read], list[str]]:
            return lambda read: [node.id for node in compute.idle_elsewhere(read, "cpu", most)]

        without = sorted(node.id for node in nodes[1:])
        assert await shop.database.read(idle(1)) == without[:1]
        assert await shop.database.read(idle(9)) == [*without, nodes[0].id]
        await shop.queue("one")
        await shop.engine.step()
        found = await shop.database.read(compute.list_nodes)
        assert [node.id for node in found if node.run_id == "one"] == without[:1]

    in_shop(tmp_path, story)


def give_gpus(write: Write, node: str) -> None:
    write.execute(compute.nodes.update().where(compute.nodes.c.id == node).values(own_gpus="0,1"))


def test_what_ranks_share_is_looked_up_once_however_many_ask(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        nodes = [(await shop.join(name))[0].node for name in ("a", "b", "c")]
        for node in nodes:
            await shop.asks(node)
        now = shop.clock.now()

        def wide(write: Write) -> None:
            _add_run(write, "wide", now)
            write.execute(store.runs.update().where(store.runs.c.id == "wide").values(node_count=3))

        await shop.database.write(wide)
        await shop.engine.step()
        asked: list[object] = []
        notifications = Notifications()

        def orders(read: Read) -> list[dict[str, Any]]:
            counted = Counting(read, asked)
            known = Known()
            found = [look_for(counted, known, node.id, now, shop.folder, notifications) for node in nodes]
            return [each["order"] for each in found if each]

        found = await shop.database.read(orders)
        assert sorted(each["rank"] for each in found) == [0, 1, 2]
        for each in found:
            peers = msgspec.json.decode(each["peers"])
            assert peers == [{"rank": rank, "address": "10.0.0.2"} for rank in range(3)]
        assert len(asked) <= 3 * 2 + 6, "a node and its checkpoint each, and what they share"

    in_shop(tmp_path, story)


class Counting(Read):
    """A view that keeps the statements it is asked for."""

    def __init__(self, read: Read, asked: list[object]) -> None:
        super().__init__(read.connection, lambda: asked.append(None))


def unbuildable(name: str) -> Outcome:
    return Outcome(
        EndReason.ENVIRONMENT, f"The environment could not be built on the node {name}: no compiler"
    )


def test_a_run_whose_environment_cannot_be_built_on_a_machine_goes_to_another(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        shed, _ = await shop.join("shed")
        barn, _ = await shop.join("barn")
        await shop.asks(shed.node)
        await shop.queue("one")
        await shop.engine.step()
        await shop.asks(barn.node)
        await shop.queue("two")  # which the other has meanwhile
        await shop.engine.step()
        await shop.end("one", 1, unbuildable("shed"))
        await shop.wait(2, shed.node, barn.node)
        found = await shop.run("one")
        assert (found.attempt, found.shown_status) == (1, "Queued"), "it waits for the other machine"
        await shop.queue("three")
        await shop.wait(1, shed.node, barn.node)
        assert await shop.shown("three") == "Starting", "those behind it need not"
        await shop.end("two", 1)
        await shop.wait(1, shed.node, barn.node)
        found = await shop.run("one")
        assert (found.attempt, found.shown_status) == (2, "Starting")
        notes = await shop.database.read(lambda read: dict(record_store.list_notes(read, "one")))
        assert "built on the node shed: no compiler The run goes to another node." in notes["placed_again"]
        await shop.end("one", 2, unbuildable("barn"))
        found = await shop.run("one")
        assert (found.attempt, found.shown_status, found.message) == (
            2,
            "Failed",
            unbuildable("barn").message,
        )

    in_shop(tmp_path, story)


def test_a_machine_that_is_temporary_is_forgotten_when_it_leaves_and_others_a_month_later(
    tmp_path: Path,
) -> None:
    async def story(shop: Shop) -> None:
        async def names() -> list[str]:
            found = await shop.database.read(lambda read: machine_store.list_machines(read))
            return [each.name for each in found]

        job, _ = await shop.join("slurm-7", temporary=True)
        shed, _ = await shop.join("shed")
        now = shop.clock.now()
        for node in (job.node.id, shed.node.id):
            await shop.database.write(partial(elsewhere.leave, node_id=node, now=now, done=True))
        assert await names() == ["shed"]
        left_at = shop.clock.now()
        assert await shop.database.write(lambda write: machine_store.forget_away(write, left_at)) == 0
        assert await shop.database.write(lambda write: machine_store.forget_away(write, left_at + 1)) == 1
        shed, _ = await shop.join("shed")
        await shop.database.write(lambda write: machine_store.forget_away(write, left_at + 1_000_000_000))
        assert await names() == ["shed"], "it is here"
        with pytest.raises(Conflict, match="'SHED' differs from it by capitals alone"):
            await shop.join("SHED")
        await shop.database.write(machine_store.forget_joined)
        assert await names() == []
        with pytest.raises(AuthenticationException):
            await shop.join("barn")

    in_shop(tmp_path, story)
