"""Groups are of all runs that a filter means, however many a page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.db import Database, Read, Write
from faena.kernel.errors import UserErrorException
from faena.runs import record_store
from faena.runs.search import Wanted
from faena.search import groups, language, service
from faena.search.groups import FoundGroup
from faena.server.pages.runs import table as runs_table
from faena.server.pages.runs.asked import Asked
from faena.testing.metric_history import fill_metrics
from faena.tracking.store.metrics import series
from tests.databases import Databases

WANTED, NOW = Wanted(include_archived=False), 1
LOSS = language.parse_field("metrics.loss")


def filled(databases: Databases, tmp_path: Path) -> tuple[Database, list[str]]:
    database = databases.open(tmp_path / "faena.db")
    ids = fill_metrics(database, 25, ["loss"], 3)

    def mark(write: Write) -> None:
        for place, run_id in enumerate(ids):
            loss = series.update().where(series.c.run_id == run_id)
            write.execute(loss.values(last=1e308 if place >= 23 else float(place)))
            if place < 23:
                record_store.set_tags(write, run_id, {"half": "low" if place < 10 else "high"})

    database.submit_write(mark).result()
    return database, ids


def of(read: Read, by: str, best: str = "", text: str = "") -> list[FoundGroup]:
    return groups.groups(read, WANTED, NOW, by=language.parse_field(by), text=text, metric=LOSS, best=best)


def test_each_has_its_count_its_best_and_its_mean(databases: Databases, tmp_path: Path) -> None:
    database, ids = filled(databases, tmp_path)

    def work(read: Read) -> None:
        high, low, none = (
            FoundGroup("high", 13, 10.0, 22.0, 16.0),
            FoundGroup("low", 10, 0.0, 9.0, 4.5),
            FoundGroup(None, 2, 1e308, 1e308, None),  # their sum is no number
        )
        assert of(read, "tags.half") == [none, high, low], "the newest first"
        assert of(read, "tags.half", "least") == [low, high, none]
        assert of(read, "tags.half", "greatest") == [none, high, low]
        assert of(read, "tags.half", "least", "metrics.loss >= 9 and metrics.loss < 12") == [
            FoundGroup("low", 1, 9.0, 9.0, 9.0),
            FoundGroup("high", 2, 10.0, 11.0, 10.5),
        ]
        assert of(read, "tags.nobody")[0].count == len(ids)
        assert of(read, "status") == [FoundGroup("Completed", 25, 0.0, 1e308, None)]
        for refused in ("created", "metrics.loss", "number", "nothing"):
            with pytest.raises(UserErrorException):
                of(read, refused)

    database.submit_read(work).result()


def test_its_runs_are_read_page_by_page(databases: Databases, tmp_path: Path) -> None:
    database, ids = filled(databases, tmp_path)

    def pages(read: Read, value: str | None) -> list[str]:
        within = service.Within(groups.of(language.parse_field("tags.half")), value)
        found, after = [], None
        while True:
            page = service.find(read, WANTED, NOW, sort="-metrics.loss", after=after, limit=4, within=within)
            found += [run.id for run in page.runs]
            after = page.next
            if after is None:
                return found

    def work(read: Read) -> None:
        assert pages(read, "high") == ids[10:23][::-1]
        assert pages(read, None) == ids[23:][::-1]
        assert pages(read, "neither") == []
        with_quotes = """' or "x" = '"""
        assert pages(read, with_quotes) == []

    database.submit_read(work).result()


def test_a_page_shows_the_runs_of_those_that_are_open(databases: Databases, tmp_path: Path) -> None:
    database, ids = filled(databases, tmp_path)

    def shown(read: Read, asked: Asked) -> dict[str, list[str]]:
        found = runs_table.build(read, asked, NOW)
        assert not found.error
        return {each.group.key: [row.id for row in each.rows] for each in found.groups if each.group}

    def work(read: Read) -> None:
        asked = Asked(group="tags.half", sort="metrics.loss", rows=5)
        assert shown(read, asked) == {"=low": [], "=high": [], "-": []}
        one = runs_table.build(
            read, Asked(group="tags.half", sort="metrics.loss", rows=5, open=("=high",)), NOW
        )
        (high,) = [each for each in one.groups if each.group and each.group.is_open]
        assert [row.id for row in high.rows] == ids[10:15]
        assert high.group is not None
        assert high.group.count == "13 runs"
        assert high.group.figures == "loss: best 10, mean 16"
        assert "after=" in high.group.next
        both = Asked(group="tags.half", sort="metrics.loss", rows=5, open=("=high", "-"))
        assert shown(read, both) == {"=low": [], "=high": ids[10:23], "-": [ids[24], ids[23]]}

    database.submit_read(work).result()


def test_a_page_of_groups_goes_on(tmp_path: Path) -> None:
    database = Database(tmp_path / "faena.db")
    ids = fill_metrics(database, 60, ["loss"], 1)
    long = "long " * 1_000

    def mark(write: Write) -> None:
        for run_id in ids:
            record_store.set_tags(write, run_id, {"own": f"{run_id} {long}"})

    database.submit_write(mark).result()

    def work(read: Read) -> None:
        first = runs_table.build(read, Asked(group="tags.own"), NOW)
        assert first.grouped_all is not None
        assert (len(first.groups), first.grouped_all.total) == (50, 60)
        assert "groups=50" in first.grouped_all.after
        second = runs_table.build(read, Asked(group="tags.own", groups=50), NOW)
        assert len(second.groups) == 10
        group = second.groups[0].group
        assert group is not None
        assert len(group.toggle) < 300, "long values are named by their digests"
        opened = runs_table.build(read, Asked(group="tags.own", groups=50, open=(group.key,)), NOW)
        assert [len(each.rows) for each in opened.groups] == [1, *[0] * 9]

    database.submit_read(work).result()
    database.close()
