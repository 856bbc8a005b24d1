"""What a month of work is lived with: a workspace of 100,000 runs is listed, compared and tidied.

    python -m benchmarks.living [--quick]

The history is made row by row (`faena.testing.history`), with 1 GB of files of 1 MB beside it and two runs that were
really submitted. Commands are timed as processes, less a bare `python -c pass`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ground import faena_command, fill_with_history, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Estimator, Experiment, Workspace
from faena.client.runs.run import Run

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
        fill_with_history(ws, 2_000 if quick else RUNS, 20 if quick else FILES, SIZE)
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


def _over_bare(ws: Workspace, *arguments: str) -> float:
    """Milliseconds, the median of five."""
    bare = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.perf_counter() - began)
    return 1000 * (
        statistics.median(faena_command(ws, *arguments) for _ in range(5)) - statistics.median(bare)
    )


def _timed(name: str, ws: Workspace, *arguments: str) -> Row:
    return Row(name, "", faena_command(ws, *arguments), "s")


if __name__ == "__main__":
    command("A month of runs", measure)
