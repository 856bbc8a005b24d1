"""From a printed line to the screen of the user who follows the run.

    python -m benchmarks.log_latency [--quick]

The script prints the time at random moments; the client, on the same clock, takes the age of each line as it arrives.
"""

from __future__ import annotations

import statistics
import time

from benchmarks.ground import submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Workspace
from faena.runs.schemas import LogEvent

TALKER = """
import random, time
random.seed(1)
for _ in range({lines}):
    time.sleep(random.random() / 4)
    print(repr(time.time()))
"""
BUDGET_MS = 300


def measure(quick: bool = False) -> list[Row]:
    with workspace() as ws:
        ages = line_ages(ws, 30 if quick else 200)
    p95 = statistics.quantiles(ages, n=20)[-1]
    figures = {"median": statistics.median(ages), "p95": p95, "max": max(ages)}
    return [
        at_most(
            f"line printed → on the screen, {name}",
            1000 * seconds,
            BUDGET_MS,
            "ms",
            rival="v1 10 s (published)",
            note=f"{len(ages)} lines",
        )
        for name, seconds in figures.items()
    ]


def line_ages(ws: Workspace, lines: int) -> list[float]:
    """Seconds from print to the client, for each line of a run that is followed."""
    cluster = Cluster.create(ws, "cpu", max_nodes=1)
    run = submit(ws, cluster, TALKER.format(lines=lines))
    ages: list[float] = []
    for event in ws.api.follow(run.id, {}):
        if isinstance(event, LogEvent) and "driver_log" in event.name:
            ages += [time.time() - float(line) for line in event.text.split()]
    if len(ages) != lines:
        raise RuntimeError(f"{len(ages)} lines of {lines} arrived; the run is {run.get_status()}")
    return ages


if __name__ == "__main__":
    command("Log latency", measure)
