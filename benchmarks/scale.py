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
from functools import partial
from pathlib import Path

from benchmarks.scale_crowd import of_people, of_workspaces
from benchmarks.scale_fill import fill_workspace, run_id
from benchmarks.scale_questions import Figures, asked, deed, rest
from benchmarks.scale_tasks import tasks
from benchmarks.team_ground import DATABASES, Team, team
from faena import Workspace

SIZES = (1_000, 10_000, 100_000)


def of_runs(kind: str, count: int, *, walks: bool = False) -> Figures:
    """`walks`: also what walks through all of them."""

    def prepare(made: Workspace) -> None:
        fill_workspace(made, count)

    with team(kind, prepare) as there:
        (token,) = there.people(1)
        found = {"database": f"{_size(there) / 1e6:,.0f} MB"}
        found |= rest(there)
        found |= asked(there, token, [run_id(number) for number in range(count - 5, count)])
        found |= deed(there)
        if walks:
            print(table("so far", [f"{count:,}"], [found]), file=sys.stderr, flush=True)
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


_MEASURES: dict[str, Callable[[str, int], Figures]] = {
    "runs": of_runs,
    "people": of_people,
    "workspaces": of_workspaces,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What a shared server costs by how much there is.")
    parser.add_argument("--database", choices=DATABASES, action="append")
    for name in _MEASURES:
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--tasks", action="store_true")
    given = parser.parse_args()
    if not any(getattr(given, name) for name in _MEASURES):
        given.runs = ",".join(map(str, SIZES))
    measures = _MEASURES | {"runs": partial(of_runs, walks=given.tasks)}
    for kind in given.database or DATABASES:
        for name, measure in measures.items():
            if numbers := [int(each) for each in getattr(given, name).split(",") if each]:
                _each(f"{name}, {kind}", numbers, partial(measure, kind))


if __name__ == "__main__":
    main()
