"""Runs that a process starts itself: what a run and a child cost, and how soon the process's death is known.

    python -m benchmarks.interactive [--quick]

Faena asks its server over HTTP; MLflow, from `RIVAL_PYTHON`, writes its SQLite file inside the process, its fastest
form. Both sides take turns, whole processes that time themselves after one run that does not count.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ground import HIDING, median, processes, rival_python, workspace
from benchmarks.rows import Row, at_most, command
from faena import Workspace
from faena.testing.waiting import until

OURS = """
import json, sys, time
from faena import Experiment, Workspace
experiment = Experiment(Workspace(sys.argv[1]), "bench")
def run(points):
    began = time.perf_counter()
    run = experiment.start_logging(snapshot_directory=None, outputs=None)
    for number in range(points):
        run.log("loss", number / 7)
    run.complete()
    return time.perf_counter() - began
def children(count):
    with experiment.start_logging(snapshot_directory=None, outputs=None) as parent:
        began = time.perf_counter()
        for child in parent.create_children(count):
            child.log("loss", 1.5)
            child.complete()
        return time.perf_counter() - began
"""
MLFLOW = """
import json, logging, sys, time
import mlflow
logging.disable(50)
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("bench")
def run(points):
    began = time.perf_counter()
    with mlflow.start_run():
        for number in range(points):
            mlflow.log_metric("loss", number / 7)
    return time.perf_counter() - began
def children(count):
    with mlflow.start_run():
        began = time.perf_counter()
        for _ in range(count):
            with mlflow.start_run(nested=True):
                mlflow.log_metric("loss", 1.5)
        return time.perf_counter() - began
"""
TIMED = """
run(1)
print(json.dumps({"empty": min(run(0) for _ in range(10)), "points": run(100), "children": children(50)}))
"""
ROWS = {
    "empty": "run started and completed, nothing logged",
    "points": "run started, 100 metrics logged, completed",
    "children": "50 children, a metric each, completed",
}
NOTEBOOK = """
import sys
from faena import Experiment, Workspace
run = Experiment(Workspace(sys.argv[1]), "bench").start_logging(snapshot_directory=None)
run.log("x", 1)
print(run.id, flush=True)
sys.stdin.read()
"""
BUDGET_S = 5


def measure(quick: bool = False) -> list[Row]:
    rounds = 2 if quick else 7
    with workspace() as ws:
        sides = {"faena": [sys.executable, "-c", OURS + TIMED, str(ws.folder)]}
        if rival := rival_python():
            sides["mlflow"] = [rival, "-c", MLFLOW + TIMED, f"sqlite:///{ws.folder.parent / 'mlflow.db'}"]
        times: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side, asked in sides.items():
                times[side].append(timed(asked, ws.folder))
        deaths = {
            name: [death(ws, with_server=with_server) for _ in range(1 if quick else 5)]
            for name, with_server in (("notebook", False), ("server, then notebook", True))
        }
    rows = [
        Row(
            ROWS[what],
            "",
            1000 * median([found[what] for found in times["faena"]]),
            "ms",
            "mlflow" if rival else "",
            1000 * median([found[what] for found in times["mlflow"]]) if rival else None,
        )
        for what in ROWS
    ]
    for name, seconds in deaths.items():
        note = f"max {max(seconds):.2f} s of {len(seconds)}, by which it holds"
        judged = max(seconds)
        rows.append(at_most(f"death known: {name}", median(seconds), BUDGET_S, "s", judged=judged, note=note))
    return rows


def timed(asked: list[str], cwd: Path) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    done = subprocess.run(
        asked, env=environment, cwd=cwd, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def death(ws: Workspace, *, with_server: bool) -> float:
    """Seconds from SIGKILL of the process, or of the server and then the process, to the run's true state."""
    notebook = [sys.executable, "-c", NOTEBOOK, str(ws.folder)]
    with subprocess.Popen(notebook, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run = ws.get_run(process.stdout.readline().strip())
        until(lambda: processes(ws, "faena.node"), "somebody follows the process")
        if with_server:
            os.kill(processes(ws, "faena.server")[0], signal.SIGKILL)
        process.kill()
        began = time.perf_counter()
        until(lambda: run.get_status() == "Failed", "the run is Failed")
        seconds = time.perf_counter() - began
    until(lambda: not processes(ws, "faena.node"), "nobody follows it any more")
    return seconds


if __name__ == "__main__":
    command("Interactive", measure)
