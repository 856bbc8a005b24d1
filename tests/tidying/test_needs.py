"""What a feature says that it needs is kept, though nobody else knows of that feature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faena.data.store import snapshots
from faena.db import Read, String, metadata
from faena.kernel.errors import Conflict
from faena.kernel.hooks import Hooks
from faena.objects.references import SNAPSHOT
from faena.runs import store
from faena.tidying import retention
from faena.tidying.schemas import KeepRuns
from faena.workspaces import needs
from tests.tidying.house import TidyHouse

Add = Callable[[Hooks[Any, Any], Callable[..., Any]], None]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TidyHouse]:
    made = TidyHouse(tmp_path)
    yield made
    made.close()


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Puts a feature's function on a list, for one test."""

    def put(hooks: Hooks[Any, Any], function: Callable[..., Any]) -> None:
        monkeypatch.setattr(hooks, "_functions", [*hooks, function])

    return put


def keep(add: Add, *subjects: str) -> None:
    def used(read: Read, runs: Sequence[str], models: needs.Models) -> needs.Kept | None:
        asked = [*runs, *(f"{name}:{version}" for name, version in models)]
        found = tuple(subject for subject in subjects if subject in asked)
        return needs.Kept(found, f"Served by endpoint 'mnist': {needs.few(found)}.") if found else None

    add(needs.keepers, used)


class TestDeletion:
    def test_is_refused_by_whatever_keeps_what_it_would_take(self, house: TidyHouse, add: Add) -> None:
        run, other = house.run({"outputs/m": b"m"}), house.run()
        keep(add, house.register(run, "outputs/m"))
        with pytest.raises(Conflict, match=r"Served by endpoint 'mnist': net:1\.$"):
            house.delete([other], models=("net",))
        living = house.run(ended=False)
        with pytest.raises(Conflict, match=r"Not ended yet: .*Served by"):
            house.delete([living], models=("net",))
        assert house.delete([run, other]).id is not None

    def test_by_a_rule_passes_over_it_and_what_it_is_below(self, house: TidyHouse, add: Add) -> None:
        above = house.run()
        kept, sibling = house.run(parent=above), house.run(parent=above)
        alone = house.run()
        keep(add, kept)
        rule = KeepRuns(days=1)
        asyncio.run(retention.put(house.database, "old", rule, house.clock.now()))
        house.clock.advance(2 * 86_400)
        [done] = asyncio.run(retention.apply(house.database, house.clock.now(), dry_run=False))
        assert done.what.startswith("2 runs")
        there = house.read(
            lambda read: {each for each in (above, kept, sibling, alone) if _is_there(read, each)}
        )
        assert there == {above, kept}


def _is_there(read: Read, run_id: str) -> bool:
    query = sa.select(store.runs.c.id).where(store.runs.c.id == run_id, store.runs.c.deletion.is_(None))
    return read.execute(query).first() is not None


def test_environments_that_any_feature_needs_are_needed(house: TidyHouse, add: Add) -> None:
    add(needs.environments, lambda read: {"e" * 64})
    living = house.run(ended=False)
    house.database.submit_write(lambda write: store.update(write, living, {"lock": "f" * 64})).result()
    assert house.read(needs.needed_environments) == {"e" * 64, "f" * 64}


def test_a_server_stays_for_any_feature_that_needs_it(house: TidyHouse, add: Add) -> None:
    house.run()
    assert not house.read(needs.needs_server)
    add(needs.servers, lambda read: True)
    assert house.read(needs.needs_server)


def test_snapshots_that_any_table_refers_to_stay(house: TidyHouse) -> None:
    endpoints = sa.Table(
        "endpoints_of_a_test",
        metadata,
        sa.Column("snapshot", String(64), info=SNAPSHOT),
        extend_existing=True,
    )
    try:
        used, _ = house.snapshot(b"used"), house.snapshot(b"unused")

        def refer(write: Any) -> None:
            endpoints.create(write.connection)
            write.execute(endpoints.insert().values(snapshot=used))

        house.database.submit_write(refer).result()
        house.clock.advance(3 * 86_400)
        house.collect()
        left = house.read(lambda read: list(read.execute(sa.select(snapshots.c.digest)).scalars()))
        assert left == [used]
    finally:
        metadata.remove(endpoints)
