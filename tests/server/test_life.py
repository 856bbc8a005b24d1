"""When a server leaves, with a clock that moves by hand."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from faena.kernel.installation import installed
from faena.server.lifetime import Activity, Leaving, until_leaving
from faena.testing.clock import ManualClock


class Situation:
    """A server's surroundings; each look at whether it is idle moves the clock by a second."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.activity = Activity(self.clock, quiet_since=self.clock.monotonic())
        self.asked = asyncio.Event()
        self.idle = True
        self.looks = 0
        self.versions: list[str | None] = ["1.0"]

    def look(self) -> bool:
        self.looks += 1
        self.clock.advance(1.0)
        return self.idle

    def installed(self) -> str | None:
        return self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]

    async def leaving(self, idle_seconds: float) -> Leaving:
        waiting = until_leaving(
            self.asked, self.activity, self.look, idle_seconds=idle_seconds, installed=self.installed
        )
        return await asyncio.wait_for(waiting, 30)


def test_it_leaves_once_it_has_been_idle_for_so_long_and_not_before() -> None:
    async def scenario() -> None:
        situation = Situation()
        situation.looks = 0
        assert await situation.leaving(0.01) is Leaving.IDLE
        assert situation.looks == 1

    asyncio.run(scenario())


def test_an_open_stream_keeps_it() -> None:
    async def scenario() -> None:
        situation = Situation()
        situation.activity.open = 1
        waiting = asyncio.create_task(situation.leaving(0.01))
        while situation.looks < 5:
            await asyncio.sleep(0)
        assert not waiting.done()
        situation.asked.set()
        assert await waiting is Leaving.ASKED

    asyncio.run(scenario())


def test_a_new_version_on_disk_makes_it_leave_even_when_busy() -> None:
    async def scenario() -> None:
        situation = Situation()
        situation.idle = False
        situation.versions = ["1.0", "1.1"]
        assert await situation.leaving(0.001) is Leaving.OUTDATED
        assert situation.looks == 15

    asyncio.run(scenario())


def test_a_damaged_database_makes_it_leave_even_when_busy() -> None:
    async def scenario() -> None:
        situation = Situation()
        situation.idle = False
        waiting = until_leaving(
            situation.asked,
            situation.activity,
            situation.look,
            idle_seconds=0.001,
            installed=situation.installed,
            is_damaged=lambda: situation.looks == 3,
        )
        assert await asyncio.wait_for(waiting, 30) is Leaving.DAMAGED

    asyncio.run(scenario())


def test_while_it_is_being_installed_nobody_leaves() -> None:
    async def scenario() -> None:
        situation = Situation()
        situation.idle = False
        situation.versions = ["1.0", None, None, "1.0", "2.0"]
        assert await situation.leaving(0.001) is Leaving.OUTDATED
        assert situation.looks > 3 * 15

    asyncio.run(scenario())


def test_the_same_version_installed_anew_is_another_one(tmp_path: Path) -> None:
    described = tmp_path / "faena-9.9.dist-info"
    described.mkdir()
    record = described / "RECORD"
    record.write_text("")
    os.utime(record, (1, 1))
    before = installed(tmp_path)
    assert before is not None and before == installed(tmp_path)
    os.utime(record, (2, 2))
    assert installed(tmp_path) not in (before, None)
    (tmp_path / "faena-9.10.dist-info").mkdir()
    (tmp_path / "faena-9.10.dist-info" / "RECORD").write_text("")
    assert installed(tmp_path) is None
    record.unlink()
    assert str(installed(tmp_path)).startswith("faena-9.10 ")
