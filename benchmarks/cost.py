"""What Faena takes from the machine: CPU beside a script that logs, memory at rest.

python -m benchmarks.cost [--quick]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from benchmarks.ground import Row, processes, show, submit, workspace
from faena import Cluster, Workspace
from faena.testing.waiting import until

LOGGER = """
import time
from faena import Run
run = Run.get_context()
until = time.monotonic() + {seconds}
number = 0
while time.monotonic() < until:
    run.log("loss", 0.1 * number)
    if number % 10 == 0:
        print("line", number)
    number += 1
    time.sleep(0.01)
"""
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(seconds: float = 30, rest: float = 60) -> list[Row]:
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=1, idle_seconds_before_scaledown=600)
        run = submit(ws, cluster, LOGGER.format(seconds=seconds + 8))
        until(lambda: run.get_status() == "Running", "the script runs")
        time.sleep(3)
        before = cpu_seconds(ws)
        time.sleep(seconds)
        percent = {name: 100 * (cpu - before[name]) / seconds for name, cpu in cpu_seconds(ws).items()}
        run.wait_for_completion()
        time.sleep(rest)
        memory = {name: pss_mb(processes(ws, name)[0]) for name in ("faena.server", "faena.node")}
    total = sum(percent.values())
    shown = f"{total:.2f} % (server {percent['faena.server']:.2f}, runner {percent['faena.node']:.2f})"
    return [
        Row("CPU of a core at 100 points/s, 10 lines/s", shown, "<= 1 %", total <= 1),
        Row(
            "server at rest, PSS",
            f"{memory['faena.server']:.0f} MB",
            "<= 120 MB",
            memory["faena.server"] <= 120,
        ),
        Row("runner at rest, PSS", f"{memory['faena.node']:.0f} MB", "<= 40 MB", memory["faena.node"] <= 40),
    ]


def cpu_seconds(ws: Workspace) -> dict[str, float]:
    found = {}
    for name in ("faena.server", "faena.node"):
        fields = Path(f"/proc/{processes(ws, name)[0]}/stat").read_text().rpartition(")")[2].split()
        found[name] = (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return float("nan")


if __name__ == "__main__":
    show("Cost", measure(10, 5) if "--quick" in sys.argv else measure())
