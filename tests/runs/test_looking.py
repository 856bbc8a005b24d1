"""When the engine looks: at once where a run waits for a place, together where there is nothing to hurry for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from faena.db import Database
from faena.kernel.notifications import Notifications
from faena.runs import transitions
from faena.runs.engine.loop import _SOON, Engine
from faena.testing.clock import ManualClock
from tests.runs.test_closing import SlowToLeave


def test_a_hundred_runs_of_a_notebook_are_looked_at_together_and_none_is_missed(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, float]:
        clock = ManualClock()
        notifications = Notifications()
        database = Database(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
        engine = Engine(
            database,
            SlowToLeave(0, clock),
            notifications,
            clock,
            attempts=tmp_path,
            builds=tmp_path / "builds",
        )
        looking = asyncio.create_task(engine.look_soon())
        looks, began = 0, time.monotonic()
        try:
            with notifications.subscribe("engine") as subscription:
                for _ in range(100):
                    notifications.notify({transitions.ENGINE_SOON})
                    looks += await subscription.wait(0.0001)
                notifications.notify({transitions.ENGINE_SOON})
                assert await subscription.wait(60), "the last one is looked at, too"
        finally:
            looking.cancel()
            database.close()
        return looks, time.monotonic() - began

    looks, seconds = asyncio.run(scenario())
    assert 1 <= looks <= 2 + seconds / _SOON
