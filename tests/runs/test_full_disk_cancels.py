"""A run that fills the disk can be canceled, although the cancel cannot be written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from faena.kernel.clock import SystemClock
from faena.kernel.errors import StorageFull
from faena.kernel.notifications import Notifications
from faena.runs import full_disk_cancels, service, transitions
from faena.runs.model import RunStatus


@dataclass
class Disk:
    """A database that can be read, and written while there is room."""

    status: RunStatus
    room: bool = False
    written: int = 0

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        if not self.room:
            raise StorageFull("full")
        self.written += 1
        return work(self)


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    run = lambda disk, *_: SimpleNamespace(status=disk.status)  # noqa: E731  as short as it is
    monkeypatch.setattr(service, "get", run)
    monkeypatch.setattr(service, "cancel", run)
    monkeypatch.setattr(full_disk_cancels, "_BETWEEN_S", 0.01)


async def asked(disk: Disk, notifications: Notifications) -> None:
    await full_disk_cancels.cancel("r", disk, notifications, SystemClock())  # type: ignore[arg-type]  # stand-ins


def test_runners_hear_of_it_at_once_and_it_is_written_when_there_is_room() -> None:
    async def day() -> None:
        disk, notifications = Disk(RunStatus.RUNNING), Notifications()
        with notifications.subscribe(transitions.topic("r")) as news:
            await asked(disk, notifications)
            await asked(disk, notifications)
            assert await news.wait(0)
        assert full_disk_cancels.is_asked(notifications, "r")
        assert not full_disk_cancels.is_asked(notifications, "other")
        disk.room = True
        async with asyncio.timeout(30):
            while full_disk_cancels.is_asked(notifications, "r"):
                await asyncio.sleep(0.01)
        assert disk.written == 1

    asyncio.run(day())


def test_where_no_node_has_the_run_there_is_nothing_to_stop() -> None:
    async def day() -> None:
        notifications = Notifications()
        with pytest.raises(StorageFull):
            await asked(Disk(RunStatus.QUEUED), notifications)
        assert not full_disk_cancels.is_asked(notifications, "r")

    asyncio.run(day())
