"""What looks after sweeps that go on: the time that they have, whatever the machine's clock does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from faena.kernel.notifications import Notifications
from faena.sweeps.keeper import Keeper
from tests.databases import Databases
from tests.sweeps.ground import Ground

MINUTE = 60.0
WEEK = 7 * 24 * 60 * MINUTE


@pytest.fixture
def ground(databases: Databases, tmp_path: Path) -> Ground:
    return Ground(databases.open(tmp_path / "faena.db"))


def look_between(ground: Ground, *happens: Callable[[], object]) -> str:
    """What the sweep says of itself after the keeper has looked before and after each thing that happens."""

    async def look() -> None:
        keeper = Keeper(ground.database, Notifications(), ground.clock)
        await keeper.step()
        for each in happens:
            each()
            await keeper.step()

    asyncio.run(look())
    return ground.sweep().told


def passing(ground: Ground, minutes: float) -> Callable[[], None]:
    return lambda: ground.clock.advance(minutes * MINUTE)


@pytest.mark.few(2)
@pytest.mark.parametrize("seconds", [56 * 52 * WEEK, 2 * WEEK, -WEEK, -11.0])
def test_a_clock_that_is_set_neither_ends_a_sweep_nor_gives_it_more_time(
    ground: Ground, seconds: float
) -> None:
    ground.begin(max_duration_minutes=10)
    assert look_between(ground, lambda: ground.clock.set_back(-seconds), passing(ground, 9)) == ""
    assert ground.status() == "Running"
    assert "max_duration_minutes" in look_between(ground, passing(ground, 1.1))


def test_a_sweep_that_was_begun_since_has_its_time_by_the_new_clock(ground: Ground) -> None:
    def begin() -> None:
        ground.clock.set_back(-WEEK)
        ground.begin(max_duration_minutes=10)

    assert "max_duration_minutes" in look_between(ground, begin, passing(ground, 11))


def test_time_that_passes_between_two_looks_is_no_clock_that_was_set(ground: Ground) -> None:
    ground.begin(max_duration_minutes=10)
    assert "max_duration_minutes" in look_between(ground, passing(ground, 10.1))
