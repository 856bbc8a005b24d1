"""From the call of `Experiment.submit` to the script's first line in the follow stream; the environment is known.

    python -m benchmarks.first_line [--quick]

The client has imported faena already. Each case runs in this interpreter and in a built environment without packages.
Beside it, as whole processes, `python script` and, from `RIVAL_PYTHON`, `mlflow run --env-manager local`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ground import median, processes, rival_python, stop, submit, whole_process, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Workspace
from faena.runs.schemas import LogEvent
from faena.testing.waiting import until

HELLO = "print('hello')\n"
PROJECT = 'name: hello\nentry_points:\n  main:\n    command: "python train.py"\n'
BUDGETS_S = {"one idle node": 0.12, "from zero nodes": 0.25, "no server": 0.9}
ENVIRONMENTS = {"given interpreter": sys.executable, "built environment": None}


def measure(quick: bool = False) -> list[Row]:
    rounds = 2 if quick else 5
    times: dict[tuple[str, str], list[float]] = {}
    with workspace() as ws:
        idle = Cluster.create(ws, "idle", max_nodes=1, min_nodes=1)
        zero = Cluster.create(ws, "zero", max_nodes=1, idle_seconds_before_scaledown=0)
        for interpreter in ENVIRONMENTS.values():
            first_line(ws, idle, interpreter)  # builds what is not known yet
        for environment, interpreter in ENVIRONMENTS.items():
            times[environment, "one idle node"] = [first_line(ws, idle, interpreter) for _ in range(rounds)]
        for environment, interpreter in ENVIRONMENTS.items():
            times[environment, "from zero nodes"] = [from_zero(ws, zero, interpreter) for _ in range(rounds)]
        idle.update(min_nodes=0)
        for environment, interpreter in ENVIRONMENTS.items():
            times[environment, "no server"] = [no_server(ws, zero, interpreter) for _ in range(rounds)]
    python, mlflow = rival_times(2 if quick else 3)
    rows = []
    for (environment, case), seconds in times.items():
        rows.append(
            at_most(
                f"first line, {case}, {environment}",
                median(seconds),
                BUDGETS_S[case],
                "s",
                rival="mlflow run" if mlflow else "mlflow run 3.2 s (published)",
                rival_value=mlflow,
                note=f"{min(seconds):.2f} to {max(seconds):.2f} s; `python script` {python:.3f} s",
            )
        )
    return rows


def first_line(ws: Workspace, cluster: Cluster, interpreter: str | None) -> float:
    began = time.perf_counter()
    run = submit(ws, cluster, HELLO, interpreter=interpreter)
    seconds = None
    for event in ws.api.follow(run.id, {}):
        if seconds is None and isinstance(event, LogEvent) and "driver_log" in event.name:
            seconds = time.perf_counter() - began
    if seconds is None:
        raise RuntimeError(f"run {run.id} ended as {run.get_status()} without a line: {run.get_details()}")
    return seconds


def from_zero(ws: Workspace, cluster: Cluster, interpreter: str | None) -> float:
    until(lambda: cluster.get_status().current_node_count == 0, "no node is there")
    return first_line(ws, cluster, interpreter)


def no_server(ws: Workspace, cluster: Cluster, interpreter: str | None) -> float:
    """By a handle that has started no server yet: one that has waits for its exit, and 2 s between two starts."""
    stop(ws)
    until(lambda: not processes(ws, "faena.server"), "the server's process is gone")
    return first_line(Workspace(ws.folder), cluster, interpreter)


def rival_times(rounds: int) -> tuple[float, float | None]:
    """Median seconds of `python script`, and of `mlflow run` where there is an MLflow."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        (folder / "train.py").write_text(HELLO)
        (folder / "MLproject").write_text(PROJECT)
        python = median([whole_process([sys.executable, "train.py"], folder) for _ in range(rounds)])
        if (rival := rival_python()) is None:
            return python, None
        path = f"{Path(rival).parent}{os.pathsep}{os.environ['PATH']}"  # its entry point says `python`
        mlflow = [rival, "-m", "mlflow", "run", "--env-manager", "local", "."]
        return python, median([whole_process(mlflow, folder, PATH=path) for _ in range(rounds)])


if __name__ == "__main__":
    command("First line", measure)
