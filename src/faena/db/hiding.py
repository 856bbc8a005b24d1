"""What whoever asks is not to see: experiments that others keep to themselves, with all that belongs to them.

Whoever reads in somebody's name reads views in the place of tables, which are called as these and lack such rows: no
statement need know of it, and none can forget it. Writing is done on tables: it asks `Read.view`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from msgspec import Struct

from faena.db.schema import metadata


class View(Struct, frozen=True):
    """Experiments, as somebody may see them."""

    hidden: dict[int, str] = {}
    """Names of those that are not there for whoever asks, by their numbers."""
    read_only: dict[int, str] = {}
    """Likewise, of those that are not theirs to change, although others are."""


EVERYTHING = View()


class Asker(Struct, frozen=True):
    """In whose name something is read and written."""

    person: str
    find: Callable[[Any], View] | None
    """What they see, by a `Read`. None: everything is there for them."""


ASKER: ContextVar[Asker | None] = ContextVar("asker", default=None)
"""None: nobody, such as the server itself, and whoever is on its host."""

HIDDEN = "hidden_experiments"
"""The name of the view, or table, with the `id` and `name` of those that are hidden."""
_RUN = "EXISTS (SELECT 1 FROM {main}.runs h WHERE h.id = t.{column} AND h.experiment IN (SELECT name FROM {hidden}))"
_NUMBER = "COALESCE(t.{column} IN (SELECT id FROM {hidden}), FALSE)"
_TRACE = (
    "EXISTS (SELECT 1 FROM {main}.traces h WHERE h.id = t.{column} "
    "AND h.experiment_id IN (SELECT id FROM {hidden}))"
)
_LOGGED = (
    "EXISTS (SELECT 1 FROM {main}.logged_models h WHERE h.id = t.{column} "
    "AND h.experiment_id IN (SELECT id FROM {hidden}))"
)
_VALUE = (
    "EXISTS (SELECT 1 FROM {main}.runs h WHERE h.id = t.value AND h.experiment IN (SELECT name FROM {hidden})) "
    "OR EXISTS (SELECT 1 FROM {main}.logged_models h WHERE h.id = t.value "
    "AND h.experiment_id IN (SELECT id FROM {hidden}))"
)
OF_COLUMN = {
    "run_id": _RUN,
    "sweep": _RUN,
    "experiment_id": _NUMBER,
    "trace_id": _TRACE,
    "model_id": _LOGGED,
}
"""When a row of any table is hidden that has a column of this name."""
NAMING = (
    "run_tags",
    "run_properties",
    "run_parameters",
    "model_labels",
    "logged_model_labels",
    "trace_labels",
)
"""Tables with a `value` that may be the id of a run or a logged model: that of which a run is a repetition, …"""
OF_TABLE = {
    **dict.fromkeys(NAMING, _VALUE),
    "experiments": "t.id IN (SELECT id FROM {hidden})",
    "runs": "t.experiment IN (SELECT name FROM {hidden})",
    "node_use": "t.experiment IN (SELECT name FROM {hidden})",
    "quotas": "t.kind = 'experiment' AND t.name IN (SELECT name FROM {hidden})",
    "deletions": (
        "EXISTS (SELECT 1 FROM {main}.runs h WHERE h.deletion = t.id AND h.experiment IN (SELECT name FROM {hidden}))"
    ),
    "evaluation_sets": (
        "EXISTS (SELECT 1 FROM {main}.evaluation_set_experiments h WHERE h.set_id = t.id "
        "AND h.experiment_id IN (SELECT id FROM {hidden}))"
    ),
}
SETTING = "faena.hidden"
"""Of a session of PostgreSQL: the numbers of experiments that are not there for whoever reads, as JSON."""
MASKED = {
    ("nodes", "run_id"): ("run_id", "NULL"),
    ("model_versions", "run_id"): ("run_id", "NULL"),
    ("model_versions", "told_run"): ("told_run", "NULL"),
    ("model_versions", "source"): ("run_id", "''"),
    ("model_versions", "location"): ("run_id", "''"),
}
"""Columns that are empty (how, is beside it) where a column names a hidden run: their rows are the workspace's."""


def views(main: str) -> list[str]:
    """The statements that make them, in the connection's own schema. `main`: that of the tables."""
    found = []
    for table in metadata.sorted_tables:
        shown, hidden = [], [OF_TABLE[table.name]] if table.name in OF_TABLE else []
        for column in table.columns:
            rule = OF_COLUMN.get(column.name)
            if (masked := MASKED.get((table.name, column.name))) is not None:
                naming, empty = masked
                where = _RUN.format(column=naming, main=main, hidden=HIDDEN)
                shown.append(f'CASE WHEN {where} THEN {empty} ELSE t."{column.name}" END AS "{column.name}"')
                continue
            shown.append(f't."{column.name}"')
            if rule is not None:
                hidden.append(rule.replace("{column}", column.name))
        is_masked = any(name == table.name for name, _ in MASKED)
        if hidden or is_masked:
            where = " AND ".join(f"NOT ({each.format(main=main, hidden=HIDDEN)})" for each in hidden)
            found.append(
                f"CREATE TEMP VIEW {table.name} AS SELECT {', '.join(shown)} FROM {main}.{table.name} t"
                + (f" WHERE {where}" if where else "")
            )
    return found


def begin_on_sqlite(connection: sqlite3.Connection, _: object) -> None:
    """SQLite looks for what has no schema's name among what is temporary first."""
    connection.isolation_level = None
    connection.execute("CREATE TEMP TABLE hidden_ids (id INTEGER PRIMARY KEY)")
    connection.execute(
        f"CREATE TEMP VIEW {HIDDEN} AS SELECT id, name FROM main.experiments "
        "WHERE id IN (SELECT id FROM temp.hidden_ids)"
    )
    for statement in views("main"):
        connection.execute(statement)


def begin_on_postgresql(connection: Any, _: object) -> None:
    """So does PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN READ WRITE")
        main = cursor.execute("SELECT quote_ident(current_schema())").fetchone()[0]
        cursor.execute(
            f"CREATE TEMP VIEW {HIDDEN} AS SELECT id, name FROM {main}.experiments "
            f"WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text(current_setting('{SETTING}')::jsonb))"
        )
        for statement in views(main):
            cursor.execute(statement)
    connection.commit()
