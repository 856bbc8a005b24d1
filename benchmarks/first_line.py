"""From submit to the script's first line on the user's side; the environment is known.

    python -m benchmarks.first_line

The client has imported faena already. Beside it, as whole processes, `python script` and, where it can be imported,
`mlflow run`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ground import Row, median, rival_python, show, stop, submit, whole_process, workspace
from faena import Cluster, Workspace
from faena.runs.schemas import LogEvent
from faena.testing.waiting import until

HELLO = "print('hello')\n"
PROJECT = 'name: hello\nentry_points:\n  main:\n    command: "python train.py"\n'


def measure(rounds: int = 7) -> list[Row]:
    with workspace() as ws:
        idle = Cluster.create(ws, "idle", max_nodes=1, min_nodes=1)
        zero = Cluster.create(ws, "zero", max_nodes=1, idle_seconds_before_scaledown=0)
        warm = [first_line(ws, idle) for _ in range(rounds + 1)][1:]
        from_zero = []
        for _ in range(rounds):
            until(lambda: zero.get_status().current_node_count == 0, "no node is there")
            from_zero.append(first_line(ws, zero))
        idle.update(min_nodes=0)
        no_server = []
        for _ in range(rounds):
            stop(ws)
            no_server.append(first_line(ws, zero))
    rivals = rival_times(rounds)
    rival = ", ".join(f"{name} {median(times):.2f} s" for name, times in rivals.items())
    rows = []
    for name, times, budget in (
        ("first line, one idle node", warm, 0.5),
        ("first line, from zero nodes", from_zero, 1.0),
        ("first line, no server", no_server, 1.8),
    ):
        rows.append(Row(name, f"{median(times):.2f} s", f"<= {budget} s", median(times) <= budget, rival))
    return rows


def first_line(ws: Workspace, cluster: Cluster) -> float:
    began = time.perf_counter()
    run = submit(ws, cluster, HELLO)
    seconds = 0.0
    for event in ws.api.follow(run.id, {}):
        if isinstance(event, LogEvent) and not seconds:
            seconds = time.perf_counter() - began
    return seconds


def rival_times(rounds: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        (Path(folder) / "train.py").write_text(HELLO)
        (Path(folder) / "MLproject").write_text(PROJECT)
        found = {"python": [whole_process([sys.executable, "train.py"], Path(folder)) for _ in range(rounds)]}
        if rival := rival_python():
            command = [rival, "-m", "mlflow", "run", "--env-manager", "local", "."]
            os.environ["PATH"] = f"{Path(rival).parent}{os.pathsep}{os.environ['PATH']}"
            found["mlflow run"] = [whole_process(command, Path(folder)) for _ in range(3)]
    return found


if __name__ == "__main__":
    show("First line", measure())
