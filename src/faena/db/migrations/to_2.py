"""Runs can be found by parameter, commit, branch and name; metrics by their last value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    for name, kind in (("name", sa.String(255)), ("commit", sa.String(64)), ("branch", sa.Text())):
        op.add_column("runs", sa.Column(name, kind))
    op.create_index("ix_runs_commit", "runs", ["commit"])
    parameters = op.create_table(
        "run_parameters",
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("number", sa.Double),
    )
    op.create_index("run_parameters_by_value", "run_parameters", ["name", sa.text("substr(value, 1, 100)")])
    op.create_index("run_parameters_by_number", "run_parameters", ["name", "number"])
    _fill(op.get_bind(), parameters)

    uniques = {"uq": "one_of_each"}  # SQLite's unique constraints have no names of their own to be dropped by
    with op.batch_alter_table("metric_series", recreate="always", naming_convention=uniques) as series:
        series.drop_constraint("one_of_each", type_="unique")
        series.create_unique_constraint("metric_of_attempt", ["run_id", "name", "source", "attempt"])
    op.create_index("metric_series_by_last", "metric_series", ["name", "last", "run_id"])


def _fill(connection: sa.Connection, parameters: sa.Table) -> None:
    runs = sa.table(
        "runs", sa.column("id"), sa.column("submission"), sa.column("commit"), sa.column("branch")
    )
    for run_id, submission in connection.execute(sa.select(runs.c.id, runs.c.submission)).all():
        asked = json.loads(submission)
        git = asked.get("git") or {}
        change = runs.update().where(runs.c.id == run_id)
        connection.execute(change.values(commit=git.get("commit"), branch=git.get("branch")))
        rows = [{"run_id": run_id, **row} for row in _parameters(asked.get("arguments") or [])]
        if rows:
            connection.execute(parameters.insert(), rows)


def _parameters(arguments: list[str]) -> Iterator[dict[str, Any]]:
    found: dict[str, str] = {}
    name = ""
    for argument in arguments:
        if argument.startswith("-") and _number(argument) is None:
            name, equals, value = argument.lstrip("-").partition("=")
            found[name] = value[:1000] if equals else "true"
            name = "" if equals else name
        elif name:
            found[name] = argument[:1000]
            name = ""
    short = {name[:255]: value for name, value in found.items() if name}
    yield from ({"name": name, "value": value, "number": _number(value)} for name, value in short.items())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
