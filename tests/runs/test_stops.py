"""Whether ranks are to be stopped is looked up once for all that ask, until their run has news."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from faena.db import Database, Read
from faena.kernel.errors import QueryTimedOut
from faena.kernel.notifications import Notifications
from faena.runs import transitions
from faena.runs.engine import attempts
from faena.runs.engine.stops import Stops
from faena.testing.clock import ManualClock


class Ground:
    """`stopped`: the attempts that are to be stopped; `looked_up`: those that the database was asked about."""

    def __init__(self, database: Database) -> None:
        self.notifications = Notifications()
        self.clock = ManualClock()
        self.stops = Stops(database, self.notifications, self.clock.monotonic)
        self.stopped: set[tuple[str, int]] = set()
        self.looked_up: list[tuple[str, int]] = []
        self.failure: Exception | None = None

    def must_stop(self, read: Read, run_id: str, attempt: int) -> bool:
        self.looked_up.append((run_id, attempt))
        if self.failure is not None:
            raise self.failure
        return (run_id, attempt) in self.stopped

    async def ask(self, run_id: str = "r", attempt: int = 1, times: int = 3) -> list[bool]:
        return await asyncio.gather(*(self.stops.must_stop(run_id, attempt) for _ in range(times)))

    def topics(self) -> list[str]:
        return self.notifications.topics()


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Ground], Awaitable[None]]], None]:
    def tell(story: Callable[[Ground], Awaitable[None]]) -> None:
        async def scenario() -> None:
            database = Database(tmp_path / "faena.db")
            try:
                ground = Ground(database)
                monkeypatch.setattr(attempts, "must_stop", ground.must_stop)
                await story(ground)
            finally:
                database.close()

        asyncio.run(scenario())

    return tell


Told = Callable[[Callable[[Ground], Awaitable[None]]], None]


def test_all_that_ask_are_answered_by_one_look(told: Told) -> None:
    async def story(ground: Ground) -> None:
        assert await ground.ask(times=100) == [False] * 100
        assert await ground.ask() == [False] * 3
        ground.stopped.add(("r", 2))
        assert await ground.ask(attempt=2) == [True] * 3
        assert ground.looked_up == [("r", 1), ("r", 2)]

    told(story)


def test_news_of_the_run_are_looked_for_and_those_of_others_are_not(told: Told) -> None:
    async def story(ground: Ground) -> None:
        await ground.ask()
        ground.stopped.add(("r", 1))
        ground.notifications.notify({transitions.topic("other")})
        assert await ground.ask() == [False] * 3
        ground.notifications.notify({transitions.topic("r")})
        assert await ground.ask() == [True] * 3
        assert len(ground.looked_up) == 2

    told(story)


def test_what_nobody_told_is_seen_all_the_same_and_what_nobody_asks_is_forgotten(told: Told) -> None:
    async def story(ground: Ground) -> None:
        await ground.ask()
        ground.stopped.add(("r", 1))
        ground.clock.advance(4.9)
        assert await ground.ask() == [False] * 3
        ground.clock.advance(0.1)
        assert await ground.ask() == [True] * 3
        assert ground.topics() == [transitions.topic("r")]
        ground.clock.advance(5.0)
        await ground.ask("s")
        assert ground.topics() == [transitions.topic("s")]

    told(story)


def test_who_goes_takes_nobody_s_answer_away_and_a_failure_is_not_remembered(told: Told) -> None:
    async def story(ground: Ground) -> None:
        one, other = (asyncio.create_task(ground.stops.must_stop("r", 1)) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        assert await other is False
        ground.failure = QueryTimedOut("too long")
        ground.notifications.notify({transitions.topic("r")})
        with pytest.raises(QueryTimedOut):
            await ground.ask()
        assert ground.topics() == []
        ground.failure = None
        assert await ground.ask() == [False] * 3

    told(story)
