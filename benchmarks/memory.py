"""Memory of the server and of an idle runner after 60 s at rest, a run behind them.

    python -m benchmarks.memory [--quick]

The runner with its fork server. PSS of /proc/PID/smaps_rollup: shared pages are divided by the processes that have
them.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.ground import processes, submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster
from faena.node.processes import descendants

SCRIPT = (
    "from faena import Run\nrun = Run.get_context()\nfor step in range(1000):\n    run.log('loss', step)\n"
)
BUDGETS_MB = {"server": ("faena.server", 120), "runner": ("faena.node", 40)}


def measure(quick: bool = False) -> list[Row]:
    rest = 5 if quick else 60
    with workspace() as ws:
        # A node that must be there: the server stays too, which it does not for an idle cluster alone.
        cluster = Cluster.create(ws, "cpu", max_nodes=1, min_nodes=1, idle_seconds_before_scaledown=600)
        submit(ws, cluster, SCRIPT).wait_for_completion()
        pids = {name: processes(ws, module) for name, (module, _) in BUDGETS_MB.items()}
        time.sleep(rest)
        found = {name: sum(map(pss_mb, with_children(pid[0]))) for name, pid in pids.items()}
    return [
        at_most(f"{name} at rest, PSS after {rest} s", found[name], budget, "MB")
        for name, (_, budget) in BUDGETS_MB.items()
    ]


def with_children(pid: int) -> list[int]:
    return [pid, *(process.pid for process in descendants(pid))]


def pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no Pss line")


if __name__ == "__main__":
    command("Memory at rest", measure)
