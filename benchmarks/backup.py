"""A workspace of 100,000 runs and 1 GB of outputs is backed up while it works, backed up again, and restored.

    python -m benchmarks.backup [--quick]

The history is made row by row (`faena.testing.history`), with files of 1 MB beside it. Meanwhile somebody changes a
tag again and again, and somebody asks the server for its version: how long each of them waited at most. Commands are
timed as processes. Beside them: SQLite's own `.backup` and `cp -r` of the objects, which verify nothing, and for the
second time the same with `cp -ru`; `sync` at the end of each, for ours are on the disk.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.ground import faena_command, fill_with_history, workspace
from benchmarks.rows import Row, command
from faena import Workspace

RUNS = 100_000
FILES = 1_000
SIZE = 1_000_000
RIVAL = "sqlite3 .backup, cp -r"


def measure(quick: bool = False) -> list[Row]:
    with workspace() as ws:
        ws.write_config(ws.folder)
        fill_with_history(ws, 2_000 if quick else RUNS, 20 if quick else FILES, SIZE)
        folder, rival, restored = (Path(ws.folder, name) for name in ("backup", "rival", "restored"))
        run = ws.get_run(next(iter(ws.find_runs(limit=1))).id)
        ws.api.version()
        beside = [_rival(ws, rival) for _ in range(2)]
        shutil.rmtree(rival)
        changes = iter(range(10**9))
        with (
            _again_and_again(lambda: run.tag("written", str(next(changes)))) as writes,
            _again_and_again(ws.api.version) as answers,
        ):
            time.sleep(3)
            quiet = max(writes)
            writes.clear()
            answers.clear()
            first = faena_command(ws, "backup", str(folder))
        again = faena_command(ws, "backup", str(folder))
        verified = faena_command(ws, "backup", str(folder), "--verify")
        back = faena_command(ws, "restore", str(folder), str(restored), "--name", "restored-bench")
        held = ws.files.database.stat().st_size / 1e6
        return [
            Row("backup", "", first, "s", RIVAL, beside[0], note=f"database of {held:.0f} MB"),
            _longest("longest write meanwhile", writes, f"; {1000 * quiet:.0f} ms in 3 s before"),
            _longest("longest answer meanwhile", answers, ""),
            Row("backup again", "", again, "s", f"{RIVAL}u", beside[1]),
            Row("backup again --verify", "", verified, "s"),
            Row("restore", "", back, "s"),
        ]


def _rival(ws: Workspace, folder: Path) -> float:
    began = time.perf_counter()
    folder.mkdir(exist_ok=True)
    with (
        closing(sqlite3.connect(ws.files.database)) as source,
        closing(sqlite3.connect(folder / "faena.db")) as target,
    ):
        source.backup(target)
    subprocess.run(["cp", "-ru", str(ws.files.objects), str(folder)], check=True)
    os.sync()
    return time.perf_counter() - began


def _longest(name: str, delays: list[float], note: str) -> Row:
    return Row(name, "", 1000 * max(delays), "ms", note=f"of {len(delays)}{note}")


@contextmanager
def _again_and_again(work: Callable[[], object]) -> Iterator[list[float]]:
    """In a thread, every 10 ms; how long each time took."""
    delays: list[float] = []
    done = threading.Event()

    def act() -> None:
        while not done.wait(0.01):
            began = time.perf_counter()
            work()
            delays.append(time.perf_counter() - began)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield delays
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    command("Backup and restore", measure)
