"""Many runs from those that came by MLflow's protocol: their rows again under other ids, in a database of PostgreSQL.

To send 100,000 runs one by one would take a quarter of an hour. Here each column is what the server wrote, but for
ids, numbers, and times, which go on.
"""

from __future__ import annotations

from typing import Any

from benchmarks import mlflow_crowd
from benchmarks.mlflow_crowd import Visitor

DIFFERENT = 1010
"""Runs that `mlflow_crowd.fill` makes until metric and parameter are both what they were for the first one."""
_COPIES = """
CREATE TEMP TABLE copies ON COMMIT DROP AS
SELECT id AS old, md5(id || turn) AS new, turn * {sent} AS further
FROM runs, generate_series(1, {turns}) AS turn
WHERE experiment = %s AND started_at / 1000 + turn * {sent} <= {runs}
"""
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
)
_LIKE = {
    "runs": {
        "id": "copies.new",
        "number": "started_at / 1000 + further",  # eight threads sent them: those have numbers in another order
        "created_at": "created_at + further * 1000",
        "started_at": "started_at + further * 1000",
    },
    "run_parameters": {"run_id": "copies.new"},
    "run_tags": {"run_id": "copies.new"},
    "tracking_streams": {"run_id": "copies.new"},
    "metric_series": {"run_id": "copies.new"},
}
_CHUNKS = """
INSERT INTO metric_chunks ({columns}, series_id)
SELECT {chunks}, there.id FROM copies
JOIN metric_series AS was ON was.run_id = copies.old
JOIN metric_series AS there ON (there.run_id, there.name, there.source) = (copies.new, was.name, was.source)
JOIN metric_chunks ON metric_chunks.series_id = was.id
"""
_COUNTED = ("tracking_streams", "metric_series", "metric_chunks")
"""Tables whose ids are numbers that PostgreSQL gives."""


def fill(url: str, token: str, database: str, name: str, runs: int) -> None:
    """An experiment with so many runs, each with a metric and a parameter. `database`: of the server at `url`."""
    import psycopg

    sent = min(runs, DIFFERENT)
    mlflow_crowd.fill(url, token, name, sent)
    if sent == runs:
        return
    with psycopg.connect(database) as connection:
        _copy(connection, name, sent, runs)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ANALYZE")  # as PostgreSQL does by itself a minute later
    _check(Visitor(url, token), name, sent, runs)


def _copy(connection: Any, name: str, sent: int, runs: int) -> None:
    made = _COPIES.format(sent=sent, turns=-(-runs // sent), runs=runs)
    connection.execute(made, [name])
    for table, other in _LIKE.items():
        key = "id" if table == "runs" else "run_id"
        names = [each for (each,) in connection.execute(_COLUMNS, [table])]
        names = [each for each in names if each != "id" or table not in _COUNTED]
        columns = ", ".join(f'"{each}"' for each in names)
        values = ", ".join(other.get(each, f'{table}."{each}"') for each in names)
        connection.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} JOIN copies ON old = {table}.{key}"
        )
    names = [each for (each,) in connection.execute(_COLUMNS, ["metric_chunks"])]
    names = [each for each in names if each not in ("id", "series_id")]
    columns = ", ".join(f'"{each}"' for each in names)
    chunks = ", ".join(f'metric_chunks."{each}"' for each in names)
    connection.execute(_CHUNKS.format(columns=columns, chunks=chunks))
    connection.execute("UPDATE experiments SET runs = %s WHERE name = %s", [runs, name])


def _check(visitor: Visitor, name: str, sent: int, runs: int) -> None:
    """What a client is told of a copy is what it is told of a run that was sent."""
    found = visitor.ask("GET", f"experiments/get-by-name?experiment_name={name.replace(' ', '%20')}")
    number = found["experiment"]["experiment_id"]

    def told(place: int) -> Any:
        asked = {"filter": f"attributes.start_time = {place}", "experiment_ids": [number]}
        [run] = visitor.ask("POST", "runs/search", **asked)["runs"]
        run_id = run["info"]["run_id"]
        points = visitor.ask("GET", f"metrics/get-history?run_id={run_id}&metric_key=acc")["metrics"]
        info = {key: value for key, value in run["info"].items() if run_id not in str(value)}
        return {**info, "start_time": place}, run["data"], points

    last = runs if runs % sent else runs - 1
    like = (last - 1) % sent + 1
    one, other = told(last), told(like)
    if (one[0] | {"start_time": like}, *one[1:]) != other:
        raise RuntimeError(f"A copy is not what it was made of: {one} and {other}")
