"""Whatever happens while bytes are collected, nothing goes that somebody refers to.

Hypothesis makes histories of a workspace: runs with files and sources, models, deletions, and days that pass. A
collection runs between, and at each of its steps (before a read, before a write, between the row of an object and its
bytes) more of the history happens.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.data import store as snapshots
from faena.db import Database, Read, Write
from faena.kernel.errors import NotFound
from faena.models import service as models
from faena.models.model import Search
from faena.objects.files import FolderObjects
from faena.objects.service import Objects
from faena.runs.store import runs
from faena.tidying.garbage_collection import Collector
from faena.tidying.schemas import CollectionRequest
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile
from tests.databases import Databases
from tests.examples import examples
from tests.tidying.house import TidyHouse

T = TypeVar("T")
Meddle = Callable[[], None]

CONTENTS = [b"", b"weights", b"print(1)", b"x" * 5000]


class MeddledObjects(FolderObjects):
    meddle: Meddle | None = None

    def delete(self, digest: str) -> bool:
        if self.meddle:
            self.meddle()
        return super().delete(digest)


class MeddledDatabase:
    """Before each transaction of the collector something happens."""

    def __init__(self, database: Database, meddle: Meddle) -> None:
        self._database = database
        self._meddle = meddle
        self.submit_read = database.submit_read
        self.submit_write = database.submit_write

    async def read(self, work: Callable[[Read], T], *, unlimited: bool = False) -> T:
        await asyncio.to_thread(self._meddle)
        return await self._database.read(work, unlimited=unlimited)

    async def write(self, work: Callable[[Write], T]) -> T:
        await asyncio.to_thread(self._meddle)
        return await self._database.write(work)


@dataclass
class Thing:
    """A run, a file or a model: what it holds, and the deletion that took it away."""

    data: bytes = b""
    deletion: int | None = None


class History:
    """What was done, and what must therefore be there."""

    def __init__(self, house: TidyHouse) -> None:
        self.house = house
        self.runs: dict[str, Thing] = {}
        """`data`: their source."""
        self.files: dict[tuple[str, str], Thing] = {}
        self.models: dict[str, Thing] = {}
        self.deletions: list[int] = []
        self.staged: list[tuple[StoredFile, bytes]] = []
        self.offered: list[tuple[str, bytes]] = []

    def act(self, what: str, which: int) -> None:
        getattr(self, what)(which)

    def put_run(self, which: int) -> None:
        files = {"outputs/m": CONTENTS[which % 4], "outputs/n": CONTENTS[which // 4 % 4]}
        run_id = self.house.run(files)
        self.runs[run_id] = Thing()
        self.files |= {(run_id, name): Thing(data) for name, data in files.items()}

    def stage(self, which: int) -> None:
        """Bytes come first, what refers to them comes later, within a day."""
        data = CONTENTS[which % 4]
        objects = Objects(self.house.objects, self.house.database, self.house.clock)
        self.staged.append((StoredFile(*asyncio.run(objects.put([data]))), data))

    def attach(self, which: int) -> None:
        there = self._there(self.runs)
        if self.staged and there:
            stored, data = self.staged.pop(which % len(self.staged))
            run_id = there[which % len(there)]
            now = self.house.clock.now()
            self.house.database.submit_write(
                lambda write: run_files.put_files(write, run_id, {"outputs/late": stored}, now)
            ).result()
            self.files[run_id, "outputs/late"] = Thing(data)

    def offer(self, which: int) -> None:
        data = CONTENTS[which % 4]
        self.offered.append((self.house.snapshot(data), data))

    def submit(self, which: int) -> None:
        if self.offered:
            digest, data = self.offered.pop(which % len(self.offered))
            self.runs[self.house.run(snapshot=digest)] = Thing(data)

    def register(self, which: int) -> None:
        having = [key for key in self._visible_files() if key[1] == "outputs/m"]
        if having:
            key = having[which % len(having)]
            self.models[self.house.register(*key)] = Thing(self.files[key].data)

    def delete_run(self, which: int) -> None:
        if there := self._there(self.runs):
            run_id = there[which % len(there)]
            self._went(self.house.delete([run_id]).id, [self.runs[run_id]])

    def delete_outputs(self, which: int) -> None:
        if having := self._visible_files():
            run_id, _ = having[which % len(having)]
            gone = [self.files[key] for key in having if key[0] == run_id]
            self._went(self.house.delete([run_id], part="outputs").id, gone)

    def delete_model(self, which: int) -> None:
        if there := self._there(self.models):
            name = there[which % len(there)]
            self._went(self.house.delete(models=(name,)).id, [self.models[name]])

    def undo(self, which: int) -> None:
        if not self.deletions:
            return
        number = self.deletions.pop(which % len(self.deletions))
        try:
            self.house.undo(number)
        except NotFound:
            return  # it was collected
        for thing in (*self.runs.values(), *self.files.values(), *self.models.values()):
            if thing.deletion == number:
                thing.deletion = None

    def _went(self, number: int | None, gone: list[Thing]) -> None:
        assert number is not None
        self.deletions.append(number)
        for thing in gone:
            thing.deletion = number

    def _there(self, things: dict[str, Thing]) -> list[str]:
        return [name for name, thing in things.items() if thing.deletion is None]

    def _visible_files(self) -> list[tuple[str, str]]:
        runs = set(self._there(self.runs))
        return [key for key, thing in self.files.items() if thing.deletion is None and key[0] in runs]

    def check(self) -> None:
        files: dict[str, dict[str, bytes]] = {run_id: {} for run_id in self._there(self.runs)}
        for run_id, name in self._visible_files():
            files[run_id][name] = self.files[run_id, name].data
        statement = sa.select(runs.c.id, runs.c.snapshot).where(runs.c.deletion.is_(None))
        there = self.house.read(lambda read: read.execute(statement).all())
        assert {row.id: self.house.files(row.id) for row in there} == files
        for row in there:
            if row.snapshot:
                manifest = self.house.read(lambda read: snapshots.files(read, row.snapshot))  # noqa: B023  called at once
                assert manifest is not None
                assert self.house.bytes(manifest[0].digest) == self.runs[row.id].data
        found = self.house.read(lambda read: models.list_models(read, Search(), latest=False))
        held = {view.id: self.house.bytes(view.files[0].digest) for view in found}
        assert held == {name: self.models[name].data for name in self._there(self.models)}


ACTS = [
    name for name in vars(History) if not name.startswith("_") and name not in ("act", "check", "house_runs")
]
act = st.tuples(st.sampled_from(ACTS), st.integers(0, 15))


@pytest.mark.long
@given(
    st.lists(
        st.tuples(st.lists(act, max_size=6), st.sampled_from([0.3, 0.9, 1.1, 3]), st.lists(act, max_size=6)),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=examples(10))
def test_nothing_goes_that_is_referred_to(rounds: list[tuple[list[Any], float, list[Any]]]) -> None:
    with tempfile.TemporaryDirectory(prefix="faena-test-") as place:
        house = TidyHouse(Path(place))
        objects = MeddledObjects(Path(place) / "objects", house.clock.monotonic)
        house.objects = objects
        history = History(house)
        try:
            for before, days, during in rounds:
                for what, which in before:
                    history.act(what, which)
                history.check()
                house.days(days)
                if days > 0.5:  # who leaves bytes alone for long must put them again
                    history.staged, history.offered = [], []
                _collect(house, objects, history, during)
                history.check()
        finally:
            house.close()


@pytest.mark.few(1)
@pytest.mark.parametrize("what", ["put_run", "stage", "offer"])
def test_bytes_that_come_back_between_their_row_and_their_end_stay(
    databases: Databases, tmp_path: Path, what: str
) -> None:
    house = TidyHouse(tmp_path, open_database=databases.open)
    house.objects = objects = MeddledObjects(tmp_path / "objects", house.clock.monotonic)
    history = History(house)
    history.put_run(1 + 4)
    history.delete_run(0)
    house.days(2)
    coming = [(what, 1)]
    objects.meddle = lambda: history.act(*coming.pop()) if coming else None
    house.collect()
    assert not coming, "it came at the moment that was meant"
    history.submit(0)
    history.put_run(2)
    history.attach(1)
    history.check()


def _collect(house: TidyHouse, objects: MeddledObjects, history: History, acts: list[Any]) -> None:
    pending = list(acts)

    def meddle() -> None:
        if pending:
            history.act(*pending.pop(0))

    async def collecting() -> None:
        database: Any = MeddledDatabase(house.database, meddle)
        collector = Collector(database, objects, house.clock, asyncio.Lock())
        await collector.collect(CollectionRequest())

    objects.meddle = meddle
    asyncio.run(collecting())
    objects.meddle = None
