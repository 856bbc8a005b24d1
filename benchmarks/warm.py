"""What a warm interpreter saves: a script that imports Chainer, and one that does next to nothing, cold and warm.

    python -m benchmarks.warm [--quick]

The environment is that of examples/demo.py. A script's start is when its guard started it, its first line when it has
imported its packages; the medians of runs one at a time, cold and warm in turns. Wall and CPU a run are of runs two at
a time, as in `trivial_run`: from the first submit to the last end, the CPU of the nodes with all that they started.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ground import median, workspace
from benchmarks.rows import Row, at_least, at_most, command
from benchmarks.trivial_run import (
    SCRIPT,
    WORKERS,
    Cost,
    check_completed,
    each,
    node_cpu,
    server_cpu,
    wait_for,
)
from faena import Chainer, Cluster, Experiment, Workspace
from faena.client.runs.run import Run
from faena.testing.waiting import until

CHAINER = """
import chainer, time
first = time.time()
from faena import Run
Run.get_context().log("first line", first)
"""
SOONER, TRIVIAL = 20, 1.1


def measure(quick: bool = False) -> list[Row]:
    one_by_one, rounds, count = (3, 1, 10) if quick else (15, 3, 60)
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=WORKERS, min_nodes=WORKERS, cores_per_node=1)
        chainer, trivial = (
            source(ws, name, text) for name, text in (("chainer", CHAINER), ("trivial", SCRIPT))
        )
        for _ in range(3):
            for warm in (False, True):
                run_all(ws, cluster, chainer, 2 * WORKERS, warm=warm)
                run_all(ws, cluster, trivial, 2 * WORKERS, warm=warm)
        lines: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(one_by_one):
            for warm, found in lines.items():
                found.append(first_line(submit(ws, cluster, chainer, warm=warm)))
        costs: dict[tuple[str, bool], list[Cost]] = {
            (name, warm): [] for name in ("imports Chainer", "does next to nothing") for warm in (False, True)
        }
        for _ in range(rounds):
            for folder, (name, warm) in zip((chainer, chainer, trivial, trivial), costs, strict=True):
                costs[name, warm].append(run_all(ws, cluster, folder, count, warm=warm))
    cold, warm_ms = median(lines[False]), median(lines[True])
    row = at_least(
        "start to first line of a script that imports Chainer, cold / warm",
        cold / warm_ms,
        SOONER,
        "times",
        note=f"cold {cold:.0f} ms, warm {warm_ms:.1f} ms ({min(lines[True]):.1f} to {max(lines[True]):.1f})",
    )
    names = dict.fromkeys(name for name, _ in costs)
    return [row, *(found for name in names for found in rows(name, costs[name, False], costs[name, True]))]


def rows(name: str, cold: Sequence[Cost], warm: Sequence[Cost]) -> list[Row]:
    limit = TRIVIAL if name.startswith("does") else 1.0
    found = []
    for kind in ("wall", "node"):
        before, now = (median([getattr(cost, kind) for cost in costs]) for costs in (cold, warm))
        found.append(
            at_most(
                f"{'wall' if kind == 'wall' else 'node CPU'} of a run that {name}, warm / cold",
                now / before,
                limit,
                "times",
                note=f"warm {now:.1f} ms, cold {before:.1f} ms",
            )
        )
    return found


def source(ws: Workspace, name: str, text: str) -> Path:
    folder = ws.folder.parent / name
    folder.mkdir()
    (folder / "train.py").write_text(text)
    return folder


def submit(ws: Workspace, cluster: Cluster, folder: Path, *, warm: bool) -> Run:
    estimator = Chainer(
        source_directory=folder,
        entry_script="train.py",
        compute_target=cluster,
        pip_packages=["numpy", "pytest"],
        use_gpu=True,
        warm=warm,
    )
    return Experiment(ws, "warm").submit(estimator)


def first_line(run: Run) -> float:
    """Milliseconds from the script's start."""
    run.wait_for_completion()
    until(lambda: any(phase.name == "Running" for phase in run.refresh().phases), "its start is known")
    (started,) = [phase.started_at for phase in run.refresh().phases if phase.name == "Running"]
    return 1000 * float(run.get_metrics()["first line"]) - started / 1000


def run_all(ws: Workspace, cluster: Cluster, folder: Path, count: int, *, warm: bool) -> Cost:
    server, node, began = server_cpu(ws), node_cpu(ws), time.perf_counter()
    runs = [submit(ws, cluster, folder, warm=warm) for _ in range(count)]
    wait_for(runs[-WORKERS:])
    wall = time.perf_counter() - began
    check_completed(runs)
    return each(Cost(server_cpu(ws) - server, node_cpu(ws) - node, wall), count)


if __name__ == "__main__":
    command("Warm interpreters", measure)
