"""MLflow's own client against Faena's server and MLflow's, both on one PostgreSQL server: milliseconds of each call.

    python -m benchmarks.team_server [--quick]

Needs `RIVAL_PYTHON` with psycopg2, or psycopg. Each has one process (worker), no TLS and a database of its own;
PostgreSQL has nothing else to do. The client alone is as in `benchmarks.mlflow_clients`; beside
files stands what a plain copy over the loopback takes. Runs that are searched are rows that each product wrote, or
copies of such.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import loopback_copy, mlflow_copies
from benchmarks.ground import processes, rival_python, workspace
from benchmarks.mlflow_clients import Figure, at_once, driven, driven_ours, fill_rival, rival, row
from benchmarks.postgresql import another, running
from benchmarks.rows import Row, command
from faena import Workspace
from faena.people.settings import PREFIX
from faena.testing.waiting import until

FILLED = {f"{count:,}": f"{count:,} runs" for count in (1_000, 10_000, 100_000)}
_TIMES_FILES, _OF_COPY = 5.0, 1.5
_ROUNDS = 3


def measure(quick: bool = False) -> list[Row]:
    python = rival_python()
    if python is None:
        return []
    filled = {name: 10 if quick else int(name.replace(",", "")) for name in FILLED}
    with running(1) as (address, _), workspace() as made:
        folder = Path(made.folder)
        theirs_at = _as_the_rival_has_it(another(address, 0), python)
        with _served(made, address) as server:
            found = made.api.gateway.open_to_programs()
            for name, runs in filled.items():
                mlflow_copies.fill(found.url, found.token, address, FILLED[name], runs)
            recorded = folder / "answers.json"
            ours = driven_ours(python, found.url, found.token, server, folder, FILLED, recorded, quick=quick)
        with at_once(python, recorded) as (url, _):
            floor = driven(python, url, folder / "floor", FILLED, quick=quick)
        for name, runs in filled.items():
            fill_rival(python, theirs_at, FILLED[name], runs)
        with rival(python, folder, theirs_at) as (url, group):
            theirs = driven(python, url, folder / "theirs", FILLED, quick=quick, SERVER_GROUP=str(group))
        copies = _copies(folder)
        return [_row(name, value, theirs[name], floor.get(name), copies) for name, value in ours.items()]


def _row(name: str, ours: Figure, theirs: Figure, floor: Figure | None, copies: Mapping[str, float]) -> Row:
    kind, _, direction = name.partition(", ")
    copy = copies.get(f"{'one' if kind.startswith('artifact') else 'many'} {direction}")
    if "artifact" not in kind or copy is None:
        return row(name, ours, theirs, floor)
    found = row(name, ours, theirs, floor, _TIMES_FILES)
    note = f"a plain copy {copy:.3g} ms (≤ {_OF_COPY} x: {'yes' if ours[0] <= _OF_COPY * copy else 'NO'}); "
    return Row(
        found.name,
        found.budget,
        found.value,
        found.unit,
        found.rival,
        found.rival_value,
        bool(found.holds) and ours[0] <= _OF_COPY * copy,
        note + found.note,
    )


def _as_the_rival_has_it(url: str, python: str) -> str:
    has_second = subprocess.run([python, "-c", "import psycopg2"], capture_output=True, check=False)
    return url.replace("postgresql:", f"postgresql+{'psycopg' if has_second.returncode else 'psycopg2'}:")


@contextmanager
def _served(made: Workspace, database: str) -> Iterator[int]:
    """`faena server run` of the workspace; its process."""
    log = made.folder / "server.log"
    given = {f"{PREFIX}DATABASE": database, f"{PREFIX}PORT": "0"}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "faena.cli", "server", "run"],
            cwd=made.folder,
            env=os.environ | given,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until(
            lambda: "People sign in at" in log.read_text(errors="replace"), "the server listens", seconds=60
        )
        assert processes(made, "faena.server") == [server.pid]
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def _copies(folder: Path) -> dict[str, float]:
    """Of the files that the client sent."""
    large, small = [folder / "ours" / "large.bin"], sorted((folder / "ours" / "small").iterdir())
    found = {}
    for kind, files in (("one", large), ("many", small)):
        for direction in ("up", "down"):
            found[f"{kind} {direction}"] = statistics.median(
                loopback_copy.milliseconds(
                    files, folder / f"{kind}_{direction}_{turn}", is_kept=direction == "up"
                )
                for turn in range(_ROUNDS)
            )
    return found


if __name__ == "__main__":
    command("A team's server, on PostgreSQL", measure)
