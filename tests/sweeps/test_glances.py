"""What a page asks about many trials at once, and the order in which it shows them. On both databases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from faena.db import Database, Write
from faena.kernel.notifications import Notifications
from faena.server.pages.sweeps import order as sweep_order
from faena.server.pages.sweeps.order import Order
from faena.server.pages.sweeps.stream import with_trials_watched
from faena.sweeps import glances, ranking, store, trial_store
from faena.sweeps.glances import Standing
from faena.sweeps.model import Sweep, TrialState
from faena.sweeps.schemas import Goal, Objective, TrialView
from faena.testing.sweep_history import METRIC, fill_sweep
from faena.tracking.watching import are_points_watched
from tests.databases import Databases

SWEEP, TRIALS = "HD_1", 8
VALUES = {0: 0.5, 1: None, 2: 0.9, 3: 0.2, 4: 0.9, 5: 0.95, 6: 0.4, 7: 0.6}


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    opened = databases.open(tmp_path / "faena.db")
    fill_sweep(opened, SWEEP, TRIALS)

    def change(write: Write) -> None:
        for number, value in VALUES.items():
            trial_store.update_trial(
                write, SWEEP, number, value=value, digest="abab"[number % 4] + str(number // 4)
            )
        trial_store.update_trial(write, SWEEP, 5, allowed=False)
        trial_store.update_trial(write, SWEEP, 7, state=TrialState.OPEN.value)

    opened.submit_write(change).result()
    yield opened


def sweep_of(database: Database, **changes: object) -> Sweep:
    found = database.submit_read(lambda read: store.get(read, SWEEP)).result()
    assert found is not None
    return replace(found, spec=msgspec.structs.replace(found.spec, **changes))


def test_many_trials_are_looked_at_by_few_columns(database: Database) -> None:
    known = database.submit_read(lambda read: glances.standings(read, SWEEP)).result()
    assert {number: each.value for number, each in known.items()} == VALUES
    assert [number for number, each in known.items() if not each.allowed] == [5]
    chosen = database.submit_read(lambda read: glances.numbered(read, SWEEP, [6, 99, 2])).result()
    assert [trial.number for trial in chosen] == [6, 2]
    values = database.submit_read(lambda read: glances.parameters(read, SWEEP, [6, 2])).result()
    assert values == {trial.number: trial.parameters for trial in chosen}
    assert database.submit_read(lambda read: glances.issued(read, [SWEEP, "HD_1_0"])).result() == {
        SWEEP: TRIALS
    }
    assert database.submit_read(lambda read: glances.going(read, SWEEP, 9)).result() == ["HD_1_7"]
    assert database.submit_read(lambda read: glances.run_of(read, SWEEP, 3)).result() == "HD_1_3"
    assert database.submit_read(lambda read: glances.run_of(read, SWEEP, 99)).result() is None


def test_the_best_come_first_then_those_that_are_not_allowed_then_those_without_a_value(
    database: Database,
) -> None:
    """Trial 7 goes on, and counts by what it has logged, not by what stands in the ledger."""
    logged = database.submit_read(
        lambda read: sweep_order.standings(read, sweep_of(database))[7].value
    ).result()  # fmt: skip
    assert logged is not None
    values = VALUES | {7: logged}
    allowed = [number for number in values if number not in (1, 5)]
    expected = sorted(allowed, key=lambda number: (-(values[number] or 0), number))
    order = database.submit_read(lambda read: Order(read, sweep_of(database))).result()
    assert order.page(0, 9, worst_first=False) == [*expected, 5, 1]
    assert order.page(0, 9, worst_first=True) == [5, *expected[::-1], 1]
    assert order.page(2, 2, worst_first=False) == expected[2:4]
    assert order.best == expected[0] == best(database, sweep_of(database)).number


def test_where_each_choice_is_tried_several_times_its_mean_counts(database: Database) -> None:
    """a0: 0.5, 0.9; b0: none, 0.2; a1: 0.9, 0.4; b1: 0.95, of which the condition says no, and what 7 has logged."""
    sweep = sweep_of(database, repeats=2)
    order = database.submit_read(lambda read: Order(read, sweep)).result()
    assert order.page(0, 4, worst_first=False) == [2, 0, 4, 6]
    assert order.best == 2
    assert database.submit_read(lambda read: sweep_order.best(read, sweep, order)).result() is not None


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_means_are_those_of_the_ranking(database: Database, goal: Goal) -> None:
    made = random.Random(1)
    known = {
        number: Standing(
            number, made.choice([0.0, 0.5, made.random()]), made.random() < 0.9, str(made.randrange(60))
        )
        for number in range(150)
    }
    results = {
        each.number: ranking.Result(each.number, (each.value,), digest=each.digest, is_allowed=each.allowed)
        for each in known.values()
    }
    expected = [
        result.number
        for group in ranking.ranked(goal, ranking.averaged(results.values(), 3))
        for result in ranking.ranked(goal, [results[number] for number in group.numbers])
    ]
    sweep = sweep_of(database, repeats=3, objectives=(Objective(METRIC, goal),))
    assert sweep_order.ranked(sweep, known) == expected


def test_to_be_small_is_better_where_that_was_asked_for(database: Database) -> None:
    [objective] = sweep_of(database).spec.objectives
    sweep = sweep_of(database, objectives=(msgspec.structs.replace(objective, goal="minimize"),))
    assert best(database, sweep).number == 7, "its first values were the least"
    order = database.submit_read(lambda read: Order(read, sweep)).result()
    assert order.page(0, 4, worst_first=False) == [7, 3, 6, 0]


def test_trials_that_go_on_are_watched_while_somebody_looks(database: Database) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def scenario() -> None:
        notifications = Notifications()
        stream = with_trials_watched(parts(), SWEEP, database, notifications)
        assert [await anext(stream), await anext(stream)] == [b"one", b"two"]
        assert are_points_watched(notifications, "HD_1_7")
        assert not are_points_watched(notifications, "HD_1_3")
        assert [part async for part in stream] == []
        assert not are_points_watched(notifications, "HD_1_7")

    asyncio.run(scenario())


def best(database: Database, sweep: Sweep) -> TrialView:
    found = database.submit_read(lambda read: sweep_order.best(read, sweep, None)).result()
    assert found is not None
    return found
