"""A record that nothing foresaw costs itself alone: the others of its batch are kept, and it is told of."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faena.db import Read, Write
from faena.kernel.errors import StorageFull
from faena.runs import record_store
from faena.runs.engine import batches
from faena.runs.engine.batches import Rank, ShipHeader
from faena.tracking import metric_tail, query
from faena.tracking.model import Limits
from tests.runs.test_ending_attempts import House, in_house
from tests.tracking.frames import event, name, number

RUN = "run-1"
STREAM = "spool/7-0a1b2c3d"
POISON = 666.0


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect: points with one value cannot be kept."""
    good = metric_tail.append

    def append(write: Write, key: Any, points: Any) -> None:
        good(write, key, points)
        if any(POISON in part.bits.view("f8") for part in points.values()):
            raise ZeroDivisionError("a defect")

    monkeypatch.setattr(metric_tail, "append", append)


async def ship(house: House, data: bytes, offset: int = 0) -> int:
    header = ShipHeader([(STREAM, offset, len(data))])

    def append(write: Write, careful: bool) -> dict[str, int]:
        key = Rank(RUN, 1, 0)
        return batches.append(write, key, header, data, 0, Limits(None), careful=careful)

    return (await batches.taken(house.database, append))[STREAM]


async def begin(house: House) -> None:
    await house.queue(RUN)
    await house.place()


def metrics(read: Read) -> dict[str, Any]:
    return query.metrics(read, None, RUN)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("tail", [b"", number(9.0)[:17]])
def test_the_others_are_kept_and_it_is_told_of(tmp_path: Path, tail: bytes) -> None:
    async def story(house: House) -> None:
        await begin(house)
        good = [number(float(value)) for value in range(500)]
        said = event("tag", key="colour", value="red")
        data = b"".join(
            [name(0, "x"), *good[:200], number(POISON), said, *good[200:], number(POISON), number(1.5)]
        )
        assert await ship(house, data + tail) == len(data)
        assert (await house.database.read(metrics))["x"] == [*map(float, range(500)), 1.5]
        tags = await house.database.read(partial(record_store.list_tags, run_ids=[RUN]))
        assert tags == {RUN: {"colour": "red"}}
        notes = dict(await house.database.read(partial(record_store.list_notes, run_id=RUN)))
        assert "80 bytes that cannot be taken" in notes["SpoolDamaged"]
        assert await ship(house, number(7.0), len(data)) == len(data) + 40
        assert (await house.database.read(metrics))["x"][-1] == 7.0

    in_house(tmp_path, story)


@pytest.mark.usefixtures("poisoned")
def test_a_batch_with_more_of_them_is_refused_as_it_was(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        with pytest.raises(ZeroDivisionError):
            await ship(house, name(0, "x") + 100 * number(POISON))
        assert await house.database.read(metrics) == {}

    in_house(tmp_path, story)


@pytest.mark.parametrize(
    "error", [StorageFull("full"), sa.exc.OperationalError("INSERT", {}, Exception("disk I/O error"))]
)
def test_what_says_nothing_about_the_batch_leaves_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    async def story(house: House) -> None:
        await begin(house)
        data = name(0, "x") + number(1.0)
        with monkeypatch.context() as patch:
            patch.setattr(metric_tail, "append", fail)
            with pytest.raises(type(error)):
                await ship(house, data)
        assert await ship(house, data) == len(data)
        assert await house.database.read(metrics) == {"x": 1.0}

    in_house(tmp_path, story)


def test_a_run_ends_though_neither_its_log_nor_its_books_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("a defect")

    async def story(house: House) -> None:
        await begin(house)
        monkeypatch.setattr("faena.runs.service.last_lines", fail)
        monkeypatch.setattr("faena.tracking.sealing.seal_small", fail)
        monkeypatch.setattr("faena.tracking.sealing.seal", fail)
        key = Rank(RUN, 1, 0)
        failed = {"reason": "exit_code", "message": "no", "exit_code": 1}
        closed = await house.close(key, 0, b"a line\n", outcome=failed)
        rest = house.closing.rest_of(key, closed)
        assert rest is not None
        await rest()
        assert (await house.run(RUN)).status.value == "Failed"
        assert await house.log(RUN) == b"a line\n"

    in_house(tmp_path, story)
