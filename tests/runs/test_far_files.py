"""Names of files on another machine, for a page: as they are, or as they were when the machine answered last."""

from __future__ import annotations

import asyncio
import json

import pytest

from faena.attempts.key import AttemptKey
from faena.compute.leases import Leases, Terms
from faena.kernel.notifications import Notifications
from faena.runs import far_files
from faena.runs.far_files import FarAttempt, FarFiles

OF = FarAttempt(AttemptKey("run-1", 1, 0), "node-1", "barn")


class Barn:
    """The machine's runner."""

    def __init__(self, far: FarFiles) -> None:
        self._far = far
        self.heard: list[str] = []

    def hear(self) -> None:
        self.heard += [each.id for each in self._far.take(OF.key.name)]

    def answer(self, **sizes: int) -> None:
        data = json.dumps({"files": [*sizes.items()]}).encode()
        self._far.answer(OF.key.name, self.heard.pop(0), data)


def test_a_page_does_not_wait_for_a_slow_machine_and_has_later_what_it_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(far_files, "_SOON", 0.0)

    async def story() -> None:
        leases = Leases(Terms(), lambda: 0.0)
        leases.hear(OF.node)
        far = FarFiles(Notifications(), leases)
        barn = Barn(far)

        first = [await far.names_soon(OF) for _ in range(3)]
        assert {told.untold for told in first} == {
            "the machine 'barn', where its script runs, has not answered yet"
        }
        barn.hear()
        assert len(barn.heard) == 1, "all who look wait for one answer"
        barn.answer(model=5)
        await asyncio.sleep(0)

        while not (late := await far.names_soon(OF)).untold.endswith("this is what it had 0 s ago"):
            await asyncio.sleep(0)
        assert late.sizes == {"model": 5}

        exact = asyncio.create_task(far.names(OF))
        await asyncio.sleep(0)
        barn.heard.clear()
        barn.hear()
        while barn.heard:
            barn.answer(model=7, log=1)
        assert await exact == far_files.FileNames({"model": 7, "log": 1})

    asyncio.run(story())
