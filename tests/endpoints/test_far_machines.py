"""What a machine is told of the endpoints that it holds, and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from faena.compute.leases import Leases, Terms
from faena.endpoints.elsewhere.machines import Machines, topic
from faena.endpoints.elsewhere.schemas import Question, Report, Said, WantedEndpoint
from faena.kernel.errors import WebserviceException
from faena.kernel.notifications import Notifications

WANTED = WantedEndpoint("digits.1", (1,), (1,), None)


def on_a_loop(work: Callable[[Machines, Notifications, Leases], Awaitable[None]]) -> None:
    async def run() -> None:
        notifications, leases = Notifications(), Leases(Terms(), lambda: 0.0)
        await work(Machines(notifications, leases), notifications, leases)

    asyncio.run(run())


def test_a_machine_is_woken_by_news_alone_and_called_while_it_has_some() -> None:
    async def work(machines: Machines, notifications: Notifications, leases: Leases) -> None:
        leases.hear("node")
        with notifications.subscribe(topic("m")) as subscription:
            before = machines.held_by("m")
            machines.want("m", "node", {"digits.1": WANTED}, frozenset())
            assert await subscription.wait(0)
            after = machines.held_by("m")
            assert after.endpoints == (WANTED,)
            assert after.version != before.version
            machines.want("m", "node", {"digits.1": WANTED}, frozenset())
            assert not await subscription.wait(0)
        assert leases.is_called("node")
        machines.want("m", "node", {}, frozenset())
        assert not leases.is_called("node")

    on_a_loop(work)


def test_a_machine_is_asked_for_its_report_until_it_has_said_something() -> None:
    async def work(machines: Machines, notifications: Notifications, leases: Leases) -> None:
        assert machines.held_by("m").report
        assert machines.endpoints_on("m") is None
        machines.take("m", Report({"digits.1": Said(prepared=(1,))}))
        assert not machines.held_by("m").report
        assert machines.endpoints_on("m") == frozenset({"digits.1"})
        found = machines.said("m", "digits.1")
        assert found is not None
        assert found.prepared == (1,)

    on_a_loop(work)


def test_a_question_is_told_once_and_answered_once() -> None:
    async def work(machines: Machines, notifications: Notifications, leases: Leases) -> None:
        asked = asyncio.create_task(machines.ask("m", Question("", "digits.1", "log"), 10.0))
        await asyncio.sleep(0)
        [question] = machines.held_by("m").questions
        machines.take_questions("m", (question,))
        assert machines.held_by("m").questions == ()
        machines.take_answer("m", "another", b"no")
        machines.take_answer("m", question.id, b"yes")
        assert await asked == b"yes"
        machines.take_answer("m", question.id, b"late")

    on_a_loop(work)


def test_who_is_not_answered_is_told_so() -> None:
    async def work(machines: Machines, notifications: Notifications, leases: Leases) -> None:
        with pytest.raises(WebserviceException, match="The machine of digits did not answer"):
            await machines.ask("m", Question("", "digits.1", "log"), 0.01)
        assert machines.held_by("m").questions == ()

    on_a_loop(work)
