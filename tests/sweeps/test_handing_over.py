"""A node whose trial has ended hears of the next one in the answer, although a model draws for it elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from faena.compute import store as compute
from faena.compute.model import Node, NodeState
from faena.db import Database
from faena.kernel.notifications import Notifications
from faena.objects.files import FolderObjects
from faena.objects.service import Objects
from faena.runs import transitions
from faena.runs.engine.batches import ClosingHeader, Rank
from faena.runs.engine.held_answers import HeldAnswers
from faena.runs.engine.scheduling import Placement, work_topic
from faena.runs.engine.services import Closed, RunnerServices
from faena.sweeps import issuing
from faena.sweeps.drawer import Drawer
from faena.sweeps.learning.messages import Drawn, Exhausted, Task
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.schemas import Policy, Sampling
from faena.tracking.model import Limits
from faena.workspaces.model import WorkspaceFolder
from tests.sweeps.ground import Ground

NODE = "node-1"


@pytest.fixture(autouse=True)
def _draws_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model has no first trials to wait for."""
    monkeypatch.setattr("faena.sweeps.startup._BAYESIAN", 0)


class Model(Sampler):
    """Draws 0.5 at once, or when it is told to."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path / "sampler.log")
        self.may_draw = asyncio.Event()
        self.may_draw.set()
        self.drawn: list[str] = []

    def prepare(self, task: Task) -> None:
        """It has no process."""

    async def draw(self, task: Task, *_: Any) -> Drawn | Exhausted:
        await self.may_draw.wait()
        self.drawn.append(task.sweep)
        return Drawn({"--lr": 0.5})


class House:
    def __init__(self, tmp_path: Path, max_nodes: int) -> None:
        self.notifications, self.rung = Notifications(), set[str]()
        database = Database(tmp_path / "faena.db", on_commit=self._ring)
        self.ground = Ground(database, max_nodes)
        clock = self.ground.clock
        node = Node(NODE, "cpu", NodeState.IDLE, None, clock.now())
        self.ground.write(lambda write: compute.add_node(write, node))
        self.model, placement = Model(tmp_path), Placement(clock)
        held = HeldAnswers(self.notifications)
        self.drawer = Drawer(database, self.notifications, clock, self.model, placement, held)
        folder = WorkspaceFolder(tmp_path, "ws", "test")
        objects = Objects(FolderObjects(folder.objects), database, clock)
        self._services = RunnerServices(
            database, objects, self.notifications, clock, Limits(None), folder, placement, held
        )

    def _ring(self, topics: set[str]) -> None:
        self.rung |= topics
        self.notifications.notify_from_thread(topics)

    def begin(self, **spec: Any) -> None:
        self.ground.begin(sampling=Sampling("bayesian"), **spec)

    async def topics(self) -> set[str]:
        """What was rung for since this was asked last."""
        await self.ground.database.write(
            lambda write: None
        )  # whoever waits for a commit hears before it rings
        rung, self.rung = self.rung, set()
        return rung

    async def close(self, run_id: str) -> Closed:
        return await self._services.close_and_wait(Rank(run_id, 1, 0), ClosingHeader([]), b"", NODE)


def in_house(tmp_path: Path, story: Callable[[House], Awaitable[None]], max_nodes: int = 1) -> None:
    async def scenario() -> None:
        house = House(tmp_path, max_nodes)
        try:
            await story(house)
        finally:
            house.ground.database.close()

    asyncio.run(scenario())


def test_the_answer_brings_what_was_drawn_meanwhile_and_the_engine_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faena.runs.engine.services._WORK_COMES_WITHIN", 30)

    async def story(house: House) -> None:
        house.begin()
        await house.drawer.step()
        assert house.ground.open() == ["HD_1_0"]
        await house.topics()
        drawing = asyncio.create_task(house.drawer.run_forever())
        closed = await house.close("HD_1_0")
        assert closed.next["order"]["run_id"] == "HD_1_1"
        assert closed.next["order"]["arguments"] == ["--lr", "0.5"]
        # the transaction that took the trial has told the node, too
        assert not {transitions.ENGINE_SOON, work_topic(NODE)} & await house.topics()
        drawing.cancel()
        await asyncio.wait([drawing])

    in_house(tmp_path, story)


def test_a_node_for_which_nothing_is_drawn_in_time_is_told_so_and_the_engine_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faena.runs.engine.services._WORK_COMES_WITHIN", 0.05)

    async def story(house: House) -> None:
        house.begin()
        await house.drawer.step()
        house.model.may_draw.clear()
        with house.notifications.subscribe(transitions.ENGINE_SOON) as engine:
            closed = await house.close("HD_1_0")
            assert (closed.kept, closed.next) == (True, {})
            assert await engine.wait(30)
        house.model.may_draw.set()
        await house.drawer.step()
        assert (await house.close("HD_1_0")).next["order"]["run_id"] == "HD_1_1"  # as one who asks again

    in_house(tmp_path, story)


def test_after_the_last_trial_nobody_waits(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.begin(max_total_runs=1)
        await house.drawer.step()
        closed = await house.close("HD_1_0")
        assert (closed.next, closed.work_comes) == ({}, False)
        assert house.ground.status() == "Completed"
        assert issuing.SWEEPS in await house.topics()  # the sampler's process may leave

    in_house(tmp_path, story)


@pytest.mark.parametrize("policy", [Policy(), Policy("median")])
def test_a_trial_that_a_policy_may_stop_is_watched_from_its_start(tmp_path: Path, policy: Policy) -> None:
    async def story(house: House) -> None:
        house.begin(policy=policy)
        await house.topics()
        await house.drawer.step()
        assert (issuing.SWEEPS in await house.topics()) == (policy.kind != "none")

    in_house(tmp_path, story)


def test_sweeps_take_turns(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for sweep in ("HD_1", "HD_2"):
            house.ground.begin(sweep, sampling=Sampling("bayesian"), max_concurrent_runs=2)
        await house.drawer.step()
        assert house.model.drawn == ["HD_1", "HD_2", "HD_1", "HD_2"]

    in_house(tmp_path, story, max_nodes=4)


def test_an_order_that_nobody_waits_for_any_more_is_not_handed_to_the_next_one() -> None:
    async def story() -> None:
        held = HeldAnswers(Notifications())
        with held.held(NODE, lambda write: {}) as lost:
            with held.held(NODE, lambda write: {}) as again:  # as after a connection that broke
                held.hand_over({NODE: {"order": 1}, "another": {"order": 2}})
                assert lost() == {}
                assert again() == {"order": 1}
                assert again() == {}
                held.hand_over({NODE: {"order": 3}})
            assert lost() == {}
        with held.held(NODE, lambda write: {}) as later:
            assert later() == {}

    asyncio.run(story())
