"""How SQLite finds the runs of a filter: by what the experiment has, not by all that the workspace has."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faena.db import Database, Read
from faena.mlflow.filters import runs as filters
from faena.runs.store import runs


def _plan(database: Database, text: str) -> str:
    statement = sa.select(runs.c.id).where(runs.c.experiment == "mnist", *filters.conditions(text))
    spelled = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    def read(read: Read) -> str:
        return " ".join(row.detail for row in read.execute(sa.text(f"EXPLAIN QUERY PLAN {spelled}")))

    return database.submit_read(read).result()


def test_filters_go_by_the_experiments_runs_and_by_indexes_of_values(tmp_path: Path) -> None:
    database = Database(tmp_path / "faena.db", on_commit=lambda _: None, traces="")
    try:
        plan = _plan(database, "metrics.acc > 0.5 and params.lr = '3' and tags.team = 'vision'")
    finally:
        database.close()
    assert "runs_by_experiment (experiment=?)" in plan
    assert "metric_series_1 (run_id=? AND name=? AND source=?)" in plan
    assert "run_parameters_by_value (name=? AND <expr>=?)" in plan
    assert "run_tags_by_value (key=? AND <expr>=?)" in plan
