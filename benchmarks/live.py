"""What people wait for: a printed line on their screen, and the news that something died.

python -m benchmarks.live
"""

from __future__ import annotations

import os
import signal
import statistics
import time

from benchmarks.ground import Row, median, processes, show, submit, workspace
from faena import Cluster, Workspace
from faena.runs.schemas import LogEvent
from faena.testing.waiting import until

TALKER = """
import random, time
random.seed(1)
for _ in range(60):
    time.sleep(random.random() / 4)
    print(repr(time.time()))
"""
SLEEPER = (
    "import os, time\nfrom faena import Run\nRun.get_context().tag('pid', os.getpid())\ntime.sleep(600)\n"
)


def measure() -> list[Row]:
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=1)
        ages = sorted(line_ages(ws, cluster))
        p95 = statistics.quantiles(ages, n=20)[-1]
        rows = [
            Row(
                "line printed to screen, median (p95)",
                f"{1000 * median(ages):.0f} ms ({1000 * p95:.0f} ms)",
                "<= 300 ms",
                p95 <= 0.3,
                "v1: 10 s",
            )
        ]
        for victim in ("script", "runner", "server"):
            times = [death(ws, cluster, victim) for _ in range(5)]
            shown = f"{median(times):.2f} s (max {max(times):.2f})"
            rows.append(Row(f"death of the {victim} known", shown, "<= 5 s", max(times) <= 5, "ClearML: 2 h"))
    return rows


def line_ages(ws: Workspace, cluster: Cluster) -> list[float]:
    """Seconds from print to the client, for each line of a run that is followed."""
    ages: list[float] = []
    run = submit(ws, cluster, TALKER)
    for event in ws.api.follow(run.id, {}):
        if isinstance(event, LogEvent) and "driver_log" in event.name:
            ages += [time.time() - float(line) for line in event.text.split()]
    return ages


def death(ws: Workspace, cluster: Cluster, victim: str) -> float:
    """Seconds from the kill to the true state in the API; of the server: to its first answer, which is Running."""
    run = submit(ws, cluster, SLEEPER)
    pid = int(until(lambda: run.get_tags().get("pid", ""), "the script runs"))
    until(lambda: run.get_status() == "Running", "the run is Running")
    wanted = "Running" if victim == "server" else "Failed"
    module = {"runner": "faena.node", "server": "faena.server"}
    target = pid if victim == "script" else processes(ws, module[victim])[0]
    began = time.perf_counter()
    os.kill(target, signal.SIGKILL)
    until(lambda: run.get_status() == wanted, f"the run is {wanted}")
    seconds = time.perf_counter() - began
    run.cancel()
    run.wait_for_completion(raise_on_error=False)
    return seconds


if __name__ == "__main__":
    show("Live", measure())
