"""What follows a run that waits is told when it waits for something else, though nothing is written to the run."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import msgspec
import pytest

from faena.db import Database
from faena.kernel.notifications import Notifications
from faena.objects.files import FolderObjects
from faena.runs import follow, service
from faena.runs.schemas import StatusEvent
from tests.runs.test_queue import Ground


def test_its_place_changes_as_others_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_KEEP_ALIVE", 0.05)

    async def scenario() -> list[str | None]:
        notifications = Notifications()
        database = Database(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
        ground = Ground(database)
        monkeypatch.setattr("faena.compute.gpus.known", lambda: ground.gpus)
        ground.cluster("cpu", idle=0, busy=1)
        first, second, third = ground.queue(3, experiments=("x",))
        versions, told = set(), []
        try:
            objects = FolderObjects(tmp_path / "objects")
            async for line in follow.events(third, {}, database, objects, notifications):
                if line == b"\n":
                    continue
                view = msgspec.json.decode(line, type=StatusEvent).run
                versions.add(view.version)
                told.append(view.blocker)
                if len(told) < 3:
                    leaving = [first, second][len(told) - 1]
                    await database.write(partial(service.cancel, run_id=leaving, now=0))
                else:
                    break
        finally:
            database.close()
        assert len(versions) == 1
        return told

    assert asyncio.run(scenario()) == [
        "2 runs ahead of it on 'cpu'",
        "1 run ahead of it on 'cpu'",
        "1 of 1 nodes of 'cpu' are busy (0 of 1 free)",
    ]
