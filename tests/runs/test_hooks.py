"""What features do when a run ends or logs is done in the transaction in which that happens, once; whatever fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faena.db import Write
from faena.kernel.hooks import Hooks
from faena.runs import record_store, service, transitions
from faena.runs.engine import attempts, batches
from faena.runs.engine.batches import Rank, ShipHeader
from faena.runs.transitions import Ended
from faena.tracking import ingest
from faena.tracking.model import Limits, StreamKey
from faena.tracking.points import Points
from tests.runs.test_ending_attempts import House, in_house
from tests.tracking.frames import name, number

Add = Callable[[Hooks[Any, Any], Callable[..., Any]], None]
STREAM = "spool/7-0a1b2c3d"


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Puts a feature's function on a list, for one test."""

    def put(hooks: Hooks[Any, Any], function: Callable[..., Any]) -> None:
        monkeypatch.setattr(hooks, "_functions", [*hooks, function])

    return put


def note(write: Write, ended: Ended) -> None:
    record_store.add_note(write, ended.run_id, "told", f"{ended.outcome.reason} of {ended.type}")


async def notes(house: House, run_id: str) -> dict[str, str]:
    return dict(await house.database.read(partial(record_store.list_notes, run_id=run_id)))


def test_an_end_is_told_once_in_the_transaction_that_makes_it(tmp_path: Path, add: Add) -> None:
    told: list[str] = []
    add(transitions.on_end, note)
    add(transitions.on_end, lambda write, ended: told.append(ended.run_id))

    async def story(house: House) -> None:
        for run_id in ("a", "b"):
            await house.queue(run_id)
        await house.place()
        for _ in range(2):  # again, as after a lost answer
            await house.database.write(lambda write: service.cancel(write, "b", 0))
            await house.close(Rank("a", 1, 0), 0, b"")
        assert told == ["b", "a"]
        assert await notes(house, "a") == {"told": "completed of azureml.scriptrun"}
        assert await notes(house, "b") == {"told": "canceled of azureml.scriptrun"}

    in_house(tmp_path, story)


def test_what_fails_keeps_no_run_from_its_end_and_leaves_nothing(tmp_path: Path, add: Add) -> None:
    def fail(write: Write, ended: Ended) -> None:
        record_store.add_note(write, ended.run_id, "half", "done")
        raise ZeroDivisionError("a defect")

    add(transitions.on_end, fail)
    add(transitions.on_end, note)

    async def story(house: House) -> None:
        await house.queue("a")
        await house.place()
        await house.close(Rank("a", 1, 0), 0, b"a line\n")
        assert (await house.run("a")).status.value == "Completed"
        assert list(await notes(house, "a")) == ["told"]

    in_house(tmp_path, story)


@pytest.mark.parametrize("fails", [False, True])
def test_points_are_told_in_their_transaction_and_its_answer_can_stop_the_run(
    tmp_path: Path, add: Add, fails: bool
) -> None:
    def stop_above_one(write: Write, key: StreamKey, points: Mapping[str, Points], now: int) -> None:
        if points["loss"].bits.view("f8").max() > 1:
            service.cancel(write, key.run_id, now)
        if fails:
            raise ZeroDivisionError("a defect")

    add(ingest.on_points, stop_above_one)

    async def story(house: House) -> None:
        await house.queue("a")
        await house.place()
        key = Rank("a", 1, 0)

        def ship(write: Write, data: bytes, offset: int) -> bool:
            header = ShipHeader([(STREAM, offset, len(data))])
            reached = batches.append(write, key, header, data, 1, Limits(None))
            assert reached == {STREAM: offset + len(data)}
            return attempts.must_stop(write, "a", 1)

        first, second = name(0, "loss") + number(0.5), number(1.5)
        assert not await house.database.write(lambda write: ship(write, first, 0))
        stops = await house.database.write(lambda write: ship(write, second, len(first)))
        assert stops is not fails

    in_house(tmp_path, story)
