"""Backups of a server: one at a time, and nothing is collected meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from faena.backups.model import RECORD
from faena.backups.schemas import BackupRequest
from faena.backups.service import Backups
from faena.backups.taking import Taking
from faena.kernel.digests import of_bytes
from faena.kernel.errors import (
    Conflict,
    FaenaError,
)
from faena.objects.files import FolderObjects
from faena.runs import store
from faena.tidying.garbage_collection import Collector
from faena.tidying.schemas import CollectionRequest
from tests.backups.house import Place, of


def test_nothing_is_collected_while_it_is_copied(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, busy = place.house, asyncio.Lock()
    files = {"outputs/a": b"deleted", "outputs/b": b"late"}
    run_id = house.run(files)
    going, copied = of(place, b"deleted"), threading.Event()
    bring = Taking._bring

    def bring_late(taking: Taking, digest: str) -> int | None:
        if digest == of_bytes(b"late"):
            copied.wait(60)
        return bring(taking, digest)

    monkeypatch.setattr(Taking, "_bring", bring_late)
    house.delete([run_id])
    house.days(2)
    house.objects = FolderObjects(
        place.workspace.objects, house.clock.monotonic
    )  # what was put is no longer new

    async def meanwhile() -> None:
        backups = Backups(place.parts, busy)
        view = await backups.start("b-1", BackupRequest(str(place.folder)))
        while not view.of_objects:
            view = await backups.look("b-1", 10)
        collector = Collector(house.database, house.objects, house.clock, busy)
        collecting = asyncio.create_task(collector.collect(CollectionRequest()))
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(collecting), 0.3)
            assert going.exists()
        finally:
            copied.set()
        while view.state == "copying":
            view = await backups.look("b-1", 10)
        assert (view.state, view.missing) == ("done", ())
        await collecting

    asyncio.run(meanwhile())
    assert not going.exists()
    assert house.read(lambda read: store.get(read, run_id)) is None
    place.holds({run_id: files}, tmp_path / "elsewhere")


def test_one_at_a_time_and_the_same_is_the_same(place: Place) -> None:
    asked = BackupRequest(str(place.folder))

    async def race() -> None:
        busy = asyncio.Lock()
        backups = Backups(place.parts, busy)
        async with busy:  # as while bytes are collected: a backup waits
            begun = await asyncio.gather(*(backups.start("b-1", asked) for _ in range(5)))
            assert {(view.id, view.state) for view in begun} == {("b-1", "copying")}
            with pytest.raises(Conflict, match="goes on"):
                await backups.start("b-2", asked)
            leaving = asyncio.create_task(backups.close())
            await asyncio.sleep(0)
        await leaving
        view = await backups.look("b-1", 0)
        assert (view.state, "The server left" in view.error) == ("failed", True)
        with pytest.raises(FaenaError, match="There is no backup 'b-2'"):
            await backups.look("b-2", 0)

    asyncio.run(race())
    assert not (place.folder / RECORD).exists()
    place.back_up()


def test_a_database_that_a_backup_finds_damaged_is_told_to_its_server(place: Place) -> None:
    place.house.run({"outputs/a": b"a"})
    place.house.close()
    place.workspace.database.write_bytes(b"no database at all" * 1000)
    told: list[bool] = []

    async def back_up() -> str:
        backups = Backups(place.parts, asyncio.Lock(), lambda: told.append(True))
        view = await backups.start("b-1", BackupRequest(str(place.folder)))
        while view.state == "copying":
            view = await backups.look("b-1", 10)
        return view.error

    assert "database is damaged" in asyncio.run(back_up())
    assert told == [True]
