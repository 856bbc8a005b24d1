"""From SIGKILL to the true state in the API: of the script, the runner, the server, and of two of them.

    python -m benchmarks.death [--quick]

After the server's death the clock stops at the first answer. With the script or the runner dead as well, that answer
must not be Running any more: what died while no server was up has to be known before the first answer.
"""

from __future__ import annotations

import os
import signal
import time

from benchmarks.ground import median, processes, submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Workspace
from faena.testing.waiting import until

SLEEPER = (
    "import os, time\nfrom faena import Run\nRun.get_context().tag('pid', os.getpid())\ntime.sleep(600)\n"
)
BUDGET_S = 5
VICTIMS = {
    "script": ("script",),
    "runner": ("runner",),
    "server": ("server",),
    "server, then script": ("server", "script"),
    "server, then runner": ("server", "runner"),
}
MODULES = {"runner": "faena.node", "server": "faena.server"}


def measure(quick: bool = False) -> list[Row]:
    rows = []
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=1)
        for name, victims in VICTIMS.items():
            found = [death(ws, cluster, victims) for _ in range(1 if quick else 5)]
            times = [seconds for seconds, _ in found]
            note = f"max {max(times):.2f} s of {len(times)}, by which it holds"
            row = at_most(
                f"death known: {name}",
                median(times),
                BUDGET_S,
                "s",
                judged=max(times),
                rival="ClearML 2 h (published)",
                note=note,
            )
            rows.append(row)
            if len(victims) > 1:
                untrue = sum(not true for _, true in found)
                what = f"untrue first answers: {name}"
                rows.append(at_most(what, untrue, 0, f"of {len(found)}"))
    return rows


def death(ws: Workspace, cluster: Cluster, victims: tuple[str, ...]) -> tuple[float, bool]:
    """Seconds from the last kill to the true state, and whether the first answer was true."""
    run = submit(ws, cluster, SLEEPER)
    pid = int(until(lambda: run.get_tags().get("pid", ""), "the script runs"))
    until(lambda: run.get_status() == "Running", "the run is Running")
    targets = [pid if name == "script" else processes(ws, MODULES[name])[0] for name in victims]
    untrue = "Running" if {"script", "runner"} & set(victims) else None
    wanted = "Failed" if untrue else "Running"
    for target in targets:
        os.kill(target, signal.SIGKILL)
    began = time.perf_counter()
    first = run.get_status()
    until(lambda: run.get_status() == wanted, f"the run is {wanted}")
    seconds = time.perf_counter() - began
    run.cancel()
    run.wait_for_completion(raise_on_error=False)
    return seconds, first != untrue


if __name__ == "__main__":
    command("Death", measure)
