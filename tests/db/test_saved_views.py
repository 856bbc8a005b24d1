"""Saved views, and names and columns that tables of runs ask for, on either database."""

from __future__ import annotations

from pathlib import Path

from faena.db import Read, Write
from faena.runs import store as runs
from faena.server.pages.runs import column_names
from faena.server.pages.runs import table as runs_table
from faena.server.pages.runs.asked import Asked
from faena.testing.metric_history import fill_metrics
from faena.tracking.store import metrics
from faena.workspaces import view_store
from tests.databases import Databases


def test_a_view_of_a_name_is_one(databases: Databases, tmp_path: Path) -> None:
    database = databases.open(tmp_path / "faena.db")

    def work(write: Write) -> None:
        first = view_store.put_view(write, "runs", "mine", "a=1", 1)
        assert view_store.put_view(write, "runs", "mine", "a=2", 2) == first
        other = view_store.put_view(write, "compare", "mine", "a=3", 3)
        view_store.rename_view(write, other, "theirs", 4)
        assert [(each.name, each.query) for each in view_store.list_views(write)] == [
            ("mine", "a=2"),
            ("theirs", "a=3"),
        ]
        view_store.delete_view(write, first)
        assert [each.id for each in view_store.list_views(write, "compare")] == [other]
        assert view_store.get_view(write, first) is None

    database.submit_write(work).result()


def test_tables_and_names_are_found(databases: Databases, tmp_path: Path) -> None:
    database = databases.open(tmp_path / "faena.db")
    ids = fill_metrics(database, 3, ["loss", "acc"], 4)

    def work(read: Read) -> None:
        assert metrics.names_of(read, ids, "script", 1) == ["acc"]
        assert column_names.fields(read, "loss") == ['metrics."loss"']
        asked = Asked(
            columns="metrics.loss.max, tags.team", group="parameters.optimizer", sort="-metrics.acc"
        )
        table = runs_table.build(read, asked, 1)
        titles = sorted(each.group.title for each in table.groups if each.group)
        assert titles == ["optimizer: adam", "optimizer: sgd"]
        assert len(runs.get_many(read, ids)) == 3

    database.submit_read(work).result()
