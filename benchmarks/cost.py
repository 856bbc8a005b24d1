"""What Faena takes from the processor beside a script that logs 100 points and prints 10 lines a second.

    python -m benchmarks.cost [--quick]

CPU of the server and of the runner (/proc/PID/stat, without their children) while nobody watches, and while one
client follows the run. The client's own CPU does not count. What a `log` call costs the script is in `run_log`.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from benchmarks.ground import processes, submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Workspace
from faena.client.runs.run import Run
from faena.testing.waiting import until

LOGGER = """
import time
from faena import Run
run = Run.get_context()
began = time.monotonic()
number = 0
while number < 100 * {seconds}:
    run.log("loss", 0.1 * number)
    if number % 10 == 0:
        print("line", number)
    number += 1
    time.sleep(max(0.0, began + number / 100 - time.monotonic()))
"""
BUDGETS_PERCENT = {"nobody watches": 1, "one follows": 2}
SETTLE_SECONDS = 4
_TICKS = os.sysconf("SC_CLK_TCK")
_MODULES = {"server": "faena.server", "runner": "faena.node"}


def measure(quick: bool = False) -> list[Row]:
    seconds = 5 if quick else 40
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=1, idle_seconds_before_scaledown=600)
        run = submit(ws, cluster, LOGGER.format(seconds=2 * (seconds + SETTLE_SECONDS) + 4))
        until(lambda: run.get_status() == "Running", "the script runs")
        unwatched = percent(ws, seconds)
        follower = threading.Thread(target=follow, args=(ws, run), name="follower")
        follower.start()
        followed = percent(ws, seconds)
        status = run.get_status()
        follower.join()
    if status != "Running":
        raise RuntimeError(f"the script ended before the measurement did: the run is {status}")
    found = {"nobody watches": unwatched, "one follows": followed}
    return [
        at_most(
            f"CPU at 100 points/s, 10 lines/s, {case}",
            sum(each.values()),
            BUDGETS_PERCENT[case],
            "% of a core",
            note=f"server {each['server']:.2f}, runner {each['runner']:.2f}; over {seconds} s",
        )
        for case, each in found.items()
    ]


def follow(ws: Workspace, run: Run) -> None:
    for _ in ws.api.follow(run.id, {}):
        pass


def percent(ws: Workspace, seconds: float) -> dict[str, float]:
    """Of one core, by process, once what came before has settled."""
    time.sleep(SETTLE_SECONDS)
    pids = {name: processes(ws, module)[0] for name, module in _MODULES.items()}
    before, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    after, lasted = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic() - began
    return {name: 100 * (after[name] - before[name]) / lasted for name in pids}


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    command("CPU beside a script", measure)
