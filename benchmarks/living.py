"""What a month of work is lived with: a workspace of 100,000 runs is listed, compared and tidied.

    python -m benchmarks.living [--quick]

The history is made row by row (`faena.testing.history`), with 1 GB of files of 1 MB beside it and two runs that were
really submitted. Commands are timed as processes, less a bare `python -c pass`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.ground import HIDING, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Estimator, Experiment, Workspace
from faena.client.run import Run
from faena.db import Database
from faena.kernel.presence import is_held
from faena.objects.files import FolderObjects
from faena.testing.history import fill
from faena.testing.waiting import until
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile

RUNS = 100_000
FILES = 1_000
SIZE = 1_000_000
TRAIN = """
import sys
from faena import Run
run = Run.get_context()
for step in range(1000):
    run.log("loss", float(sys.argv[2]) / (step + 1))
open("outputs/model.bin", "w").write(sys.argv[2])
"""


def measure(quick: bool = False) -> list[Row]:
    with workspace() as ws:
        one, two = _runs(ws)
        _fill(ws, 2_000 if quick else RUNS, 20 if quick else FILES)
        return [
            at_most("faena runs, over bare Python", _over_bare(ws, "runs"), 350, "ms"),
            Row("faena runs --filter --sort, over bare Python", "", _over_bare(ws, *_ASKED), "ms"),
            _timed("faena diff RUN RUN", ws, "diff", one.id, two.id),
            _timed("faena plot RUN RUN", ws, "plot", one.id, two.id),
            _timed("faena du", ws, "du"),
            _timed(
                "preview of deleting a quarter of the runs",
                ws,
                "delete",
                "--experiment",
                "mnist",
                "--dry-run",
            ),
            _timed("deleting them", ws, "delete", "--experiment", "mnist", "--yes"),
            _timed("bringing them back", ws, "undelete", "1"),
            _timed("deleting them again", ws, "delete", "--experiment", "mnist", "--yes"),
            _timed("collecting them", ws, "tidy", "--now"),
        ]


_ASKED = ("runs", "--filter", "metrics.loss < 0.2 and tags.team = 'a'", "--sort", "-metrics.Accuracy")


def _runs(ws: Workspace) -> tuple[Run, Run]:
    source = Path(ws.folder, "source")
    source.mkdir()
    (source / "train.py").write_text(TRAIN)
    ws.write_config(ws.folder)
    target = Cluster.get_or_create(ws, "cpu", max_nodes=1)
    made = []
    for rate in ("1.0", "2.0"):
        estimator = Estimator(
            source,
            entry_script="train.py",
            compute_target=target,
            script_params={"--rate": rate},
            interpreter=sys.executable,
        )
        run = Experiment(ws, "compared").submit(estimator)
        run.wait_for_completion()
        made.append(run)
    return made[0], made[1]


def _fill(ws: Workspace, runs: int, files: int) -> None:
    ws.api.stop()
    until(lambda: not is_held(ws.api.transport.rendezvous.election), "the server has left")
    database, objects = Database(ws.files.database), FolderObjects(ws.files.objects)
    fill(database, runs)
    for number in range(files):
        digest, size = objects.put([number.to_bytes(8, "little"), os.urandom(SIZE - 8)])
        stored = {"outputs/model.npz": StoredFile(digest, size)}
        run_id = f"{('mnist', 'cifar', 'wine', 'speech')[number % 4]}_{number:07d}"
        database.submit_write(partial(run_files.put_files, run_id=run_id, stored=stored, now=0)).result()
    database.close()
    ws.api.version()


def _faena(ws: Workspace, *arguments: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    began = time.perf_counter()
    given = [sys.executable, "-m", "faena.cli", *arguments]
    subprocess.run(given, cwd=ws.folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _over_bare(ws: Workspace, *arguments: str) -> float:
    """Milliseconds, the median of five."""
    bare = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.perf_counter() - began)
    return 1000 * (statistics.median(_faena(ws, *arguments) for _ in range(5)) - statistics.median(bare))


def _timed(name: str, ws: Workspace, *arguments: str) -> Row:
    return Row(name, "", _faena(ws, *arguments), "s")


if __name__ == "__main__":
    command("A month of runs", measure)
