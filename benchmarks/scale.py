"""What a shared server costs by the number of its runs, people and workspaces, as a table.

    python -m benchmarks.scale [--database sqlite|postgresql] [--runs 1000,10000,…] [--tasks]
    python -m benchmarks.scale --people 10,100,1000 --workspaces 1,10,100

Runs are those of `benchmarks.scale_fill`: rows as the product writes them. Each figure is of one request after another
by a contributor's token over TLS, the median of seven after the first: the time until the whole answer is here, and
the CPU of server and database. `--tasks`: what takes a walk through everything, too (backup, usage, garbage, doctor),
with the longest that somebody waited for a page meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.ground import stop, submit
from benchmarks.scale_fill import fill, run_id
from benchmarks.scale_questions import asked, deed, rest
from benchmarks.scale_tasks import tasks
from benchmarks.team_ground import DATABASES, Team, team
from faena import Cluster, Workspace
from faena.db import Database
from faena.objects.files import FolderObjects
from faena.workspaces import database_place

SIZES = (1_000, 10_000, 100_000)
_SCRIPT = """
from faena import Run
run = Run.get_context()
for step in range(50):
    for name in range(3):
        run.log(f"metric {name}", 1 / (1 + step + name), step=step)
    if step % 3 == 0:
        print("epoch", step, "loss", 1 / (1 + step))
run.tag("team", "a")
run.tag("index", "1")
open("outputs/model.txt", "w").write("weights" * 100)
"""
_PARAMETERS = {"--rate": 0.1, "--epochs": 10, "--net": "mlp"}
Figures = dict[str, str]


def of_runs(kind: str, count: int, *, walks: bool = False) -> Figures:
    """By what was asked."""

    def prepare(made: Workspace) -> None:
        cluster = Cluster.create(made, "cpu", max_nodes=1)
        run = submit(made, cluster, _SCRIPT, script_params=_PARAMETERS)
        run.wait_for_completion()
        stop(made)
        database = Database(database_place.place(made.files.path))
        try:
            fill(database, FolderObjects(made.files.objects, syncs=False), run.id, count)
        finally:
            database.close()

    with team(kind, prepare) as there:
        (token,) = there.people(1)
        found = {"database": f"{_size(there) / 1e6:,.0f} MB"}
        found |= rest(there)
        found |= asked(there, token, [run_id(number) for number in range(count - 5, count)])
        found |= deed(there)
        if walks:
            found |= tasks(there)
        server, database = there.memory()
        found["memory of the server afterwards"] = f"{server:.0f} MB"
        if database:
            found["memory of the database afterwards"] = f"{database:.0f} MB"
    return found


def _size(there: Team) -> int:
    if isinstance(there.place, Path):
        return sum(path.stat().st_size for path in there.place.parent.glob(f"{there.place.name}*"))
    import psycopg  # it is there where there is a server

    with psycopg.connect(there.place) as connection:
        connection.execute("SELECT 1")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def table(title: str, columns: Sequence[str], found: Sequence[Figures]) -> str:
    """In Markdown."""
    names = list(dict.fromkeys(name for each in found for name in each))
    lines = [f"| {title} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(each.get(name, '') for each in found)} |" for name in names]
    return "\n".join(lines)


def _each(title: str, values: Iterable[int], measure: Callable[[int], Figures]) -> None:
    columns, found = [], []
    for value in values:
        columns.append(f"{value:,}")
        found.append(measure(value))
        print(table(title, columns, found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a shared server costs by how much there is.")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--runs", default="")
    parser.add_argument("--people", default="")
    parser.add_argument("--workspaces", default="")
    parser.add_argument("--tasks", action="store_true")
    given = parser.parse_args()
    numbers = {
        name: [int(each) for each in getattr(given, name).split(",") if each] for name in ("runs", "people")
    }
    if not any((given.runs, given.people, given.workspaces)):
        numbers["runs"] = list(SIZES)
    for kind in given.database or DATABASES:
        if numbers["runs"]:
            _each(f"runs, {kind}", numbers["runs"], lambda count: of_runs(kind, count, walks=given.tasks))  # noqa: B023  called at once


if __name__ == "__main__":
    sys.exit(main())
