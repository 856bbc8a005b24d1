"""What Faena does on PostgreSQL and on SQLite, of search and ingest: how many times as long the one takes as the other.

    python -m benchmarks.two_databases [--quick]

Questions and batches are those of `benchmarks.search` and `benchmarks.ingest`, asked of both in turns: a busy machine
slows both alike. PostgreSQL is a server of this machine, by its socket.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import ingest
from benchmarks.ground import stop, workspace
from benchmarks.postgresql import another, running
from benchmarks.rows import Row, command
from benchmarks.search import ASKED, QUESTIONS, SIZES, history
from faena import Workspace
from faena.workspaces import database_place

_MOST = 2.0
_ROUNDS = 3
_POINTS = 200_000
_BATCHES = 200
_KINDS = ("sqlite", "postgresql")

Ask = Callable[[], object]


def measure(quick: bool = False) -> list[Row]:
    rows: list[Row] = []
    sizes = SIZES[:1] if quick else SIZES
    with running(len(sizes)) as (url, _):
        for number, size in enumerate(sizes):
            with contextlib.ExitStack() as stack:
                rows += _search(stack, another(url, number), size, 5 if quick else QUESTIONS)
        rows += _ingest(url, 1 if quick else _ROUNDS)
    return rows


def _search(stack: contextlib.ExitStack, url: str, size: int, questions: int) -> Iterator[Row]:
    first = stack.enter_context(workspace())
    second = Workspace.create("beside", first.folder.parent / "beside")
    stack.callback(stop, second)
    database_place.choose(second.files.path, url)
    made = dict(zip(_KINDS, (first, second), strict=True))
    for ws in made.values():
        history(ws, size)
    _analyze(url)
    for name, asked in ASKED.items():
        subjects = {kind: (lambda ws=ws, asked=asked: ws.api.runs(**asked)) for kind, ws in made.items()}
        found = _in_turns(subjects, questions)
        yield _row(f"{size:,} runs, {name}", _medians(found))


def _ingest(url: str, rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, contextlib.ExitStack() as stack:
        folders = {kind: Path(name, kind) for kind in _KINDS}
        for folder in folders.values():
            folder.mkdir()
        made = {
            kind: ingest.Workspace(folder, url if kind == "postgresql" else None)
            for kind, folder in folders.items()
        }
        for each in made.values():
            stack.callback(each.database.close)
        data = ingest.stream(ingest.noisy(0, single=False)[:_POINTS])
        turn = iter(range(10**6))
        sent = {kind: (lambda each=each: each.send(f"run_{next(turn)}", data)) for kind, each in made.items()}
        found = _in_turns(sent, 2 * rounds)
        yield _row(f"{_POINTS:,} points, spool to acknowledged", _medians(found))
        for metrics in (1, 10):
            small = {
                kind: statistics.median(
                    ingest.small(each, metrics, _BATCHES, f"{turned}") for turned in range(rounds)
                )
                for kind, each in made.items()
            }
            yield _row(f"a batch of 10 points, {metrics} metrics", small)


def _in_turns(subjects: Mapping[str, Ask], times: int) -> dict[str, list[float]]:
    """Milliseconds of each, A B A B …; the first turn does not count."""
    found: dict[str, list[float]] = {kind: [] for kind in subjects}
    for turn in range(times + 1):
        for kind, ask in subjects.items():
            began = time.perf_counter()
            ask()
            if turn:
                found[kind].append(1000 * (time.perf_counter() - began))
    return found


def _medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    return {kind: statistics.median(each) for kind, each in found.items()}


def _analyze(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")  # as PostgreSQL does by itself a minute after so many rows


def _row(name: str, found: Mapping[str, float]) -> Row:
    ours, other = found["postgresql"], found["sqlite"]
    return Row(
        f"{name}: PostgreSQL", f"≤ {_MOST:g} x SQLite", ours, "ms", "SQLite", other, ours <= _MOST * other
    )


if __name__ == "__main__":
    command("PostgreSQL beside SQLite", measure)
