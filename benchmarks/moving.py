"""A workspace's database of 100,000 runs and 15 million points goes to PostgreSQL and back: time and memory.

    python -m benchmarks.moving [--quick] [--runs N]

Rows are those of `benchmarks.scale_fill`. `faena server move-database` brings them from the file to PostgreSQL,
`faena backup` from there into a file, `faena restore` into a workspace on a file and one on PostgreSQL. All compare
what they wrote. Memory: the most that one process of a command had, for a backup the server, which makes it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ground import HIDING, processes, workspace
from benchmarks.load import cpu_seconds
from benchmarks.postgresql import running
from benchmarks.rows import Row, at_most, show
from benchmarks.scale_fill import fill_workspace
from benchmarks.scale_tasks import peak_mb
from faena import Workspace

RUNS = 100_000
BUDGET_MB = 300.0


def measure(quick: bool = False, runs: int | None = None) -> list[Row]:
    count = runs or (2_000 if quick else RUNS)
    with running(databases=1) as (url, pid), workspace() as made:
        made.write_config(made.folder)
        fill_workspace(made, count)
        held = made.files.database.stat().st_size / 1e6
        backup = made.folder.parent / "backup"
        rows = _of(
            "to PostgreSQL", made, pid, "server", "move-database", url, note=f"{count:,} runs, {held:,.0f} MB"
        )
        rows += _backup(made, pid, backup)
        target = made.folder.parent / "restored"
        rows += _of(
            "restored to a file", made, pid, "restore", str(backup), str(target), "--name", "restored1"
        )
        shutil.rmtree(target)
        other = url.replace("/faena?", "/faena0?")
        rows += _of(
            "restored to PostgreSQL",
            made,
            pid,
            *("restore", str(backup), str(target), "--name", "restored2", "--database", other),
        )
    return rows


def _of(name: str, made: Workspace, pid: int, *words: str, note: str = "") -> list[Row]:
    environment = {key: value for key, value in os.environ.items() if key not in HIDING}
    database, began = cpu_seconds(pid), time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "faena.cli", *words],
        cwd=made.folder,
        env=environment,
        stdout=sys.stderr,
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"faena {' '.join(words[:2])} ended with {process.returncode}")
    took = time.perf_counter() - began
    cpu = f"CPU {used.ru_utime + used.ru_stime:.0f} s, the database's {cpu_seconds(pid) - database:.0f}"
    return [
        Row(name, "", took, "s", note="; ".join(filter(None, (cpu, note)))),
        at_most(f"{name}: memory at most", used.ru_maxrss / 1e3, BUDGET_MB, "MB"),
    ]


def _backup(made: Workspace, pid: int, folder: Path) -> list[Row]:
    made.api.version()
    (server,) = processes(made, "faena.server")
    used = cpu_seconds(server)
    row, _ = _of("backup of PostgreSQL", made, pid, "backup", str(folder))
    note = f"CPU of the server {cpu_seconds(server) - used:.0f} s; {row.note}"
    return [
        Row(row.name, "", row.value, "s", note=note),
        at_most("backup of PostgreSQL: memory of the server at most", peak_mb(server), BUDGET_MB, "MB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="A database goes to PostgreSQL and back.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int)
    given = parser.parse_args()
    show("A database goes to PostgreSQL and back", measure(given.quick, given.runs))


if __name__ == "__main__":
    main()
