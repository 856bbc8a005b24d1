"""What the number of threads that trials are given gains where they share a machine.

    python -m benchmarks.sharing [--quick]

A network of two layers is trained with numpy, two trials of a sweep at a time on all cores, in turns: with the threads
that nodes are given (cores / nodes), and with as many for each trial as there are cores, which is what numpy's OpenBLAS
and OpenMP take by themselves. Wall of the sweep and CPU of all processes that the nodes started, a trial. The last
losses must be the same to four digits: more threads add up in another order.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

from benchmarks.ground import median, workspace
from benchmarks.rows import Row, command
from benchmarks.trivial_run import WORKERS, Cost, each, node_cpu, warm
from faena import (
    Cluster,
    Estimator,
    Experiment,
    HyperDriveConfig,
    HyperDriveRun,
    PrimaryMetricGoal,
    RandomParameterSampling,
    Workspace,
    loguniform,
)

TRAIN = """
import argparse
import numpy as np
from faena import Run

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--steps", type=int)
given = parser.parse_args()
chance = np.random.default_rng(1)
x = chance.standard_normal((256, 784), dtype=np.float32)
y = chance.standard_normal((256, 10), dtype=np.float32)
a = chance.standard_normal((784, 512), dtype=np.float32) / 28
b = chance.standard_normal((512, 10), dtype=np.float32) / 23
for _ in range(given.steps):
    hidden = np.maximum(x @ a, 0)
    error = (hidden @ b - y) / len(x)
    of_hidden = (error @ b.T) * (hidden > 0)
    b -= given.lr * hidden.T @ error
    a -= given.lr * x.T @ of_hidden
Run.get_context().log("loss", float((error**2).sum() * len(x)))
"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def measure(quick: bool = False) -> list[Row]:
    trials, steps, rounds = (4, 50, 1) if quick else (6, 600, 3)
    cores = len(os.sched_getaffinity(0))
    with workspace() as ws:
        source = ws.folder.parent / "numpy"
        source.mkdir()
        (source / "train.py").write_text(TRAIN)
        (source / "warm.py").write_text("")
        cluster = Cluster.create(ws, "cpu", max_nodes=WORKERS, min_nodes=WORKERS)
        warm(ws, cluster, source, "warm.py")
        costs: dict[bool, list[Cost]] = {True: [], False: []}
        losses: dict[bool, list[float]] = {}
        for _ in range(rounds):
            for shared, found in costs.items():
                cost, losses[shared] = _sweep(ws, cluster, source, trials, steps, 0 if shared else cores)
                found.append(cost)
    for ours, theirs in zip(losses[True], losses[False], strict=True):
        # sums in another order differ in their last digits, which are all that is left of a loss of nothing
        if not math.isclose(ours, theirs, rel_tol=1e-4, abs_tol=1e-9):
            raise RuntimeError(f"the same trial came to a loss of {ours} and of {theirs}")
    return [
        Row(
            f"{name} of a trial, {WORKERS} at a time on {cores} cores",
            "",
            median([getattr(cost, kind) for cost in costs[True]]),
            "ms a trial",
            f"{cores} threads each",
            median([getattr(cost, kind) for cost in costs[False]]),
            note=f"{trials} trials, {rounds} times in turns; threads of a trial here: {max(1, cores // WORKERS)}",
        )
        for name, kind in (("wall", "wall"), ("CPU", "node"))
    ]


def _sweep(
    ws: Workspace, cluster: Cluster, source: Path, trials: int, steps: int, threads: int
) -> tuple[Cost, list[float]]:
    """What a trial cost, and what each came to. `threads`: for each of them; 0: as its node says."""
    estimator = Estimator(
        source,
        entry_script="train.py",
        compute_target=cluster,
        interpreter=sys.executable,
        script_params={"--steps": steps},
        environment_variables=dict.fromkeys(THREADS, str(threads)) if threads else {},
    )
    config = HyperDriveConfig(
        RandomParameterSampling({"--lr": loguniform(-7, -3)}, seed=1),
        "loss",
        PrimaryMetricGoal.MINIMIZE,
        trials,
        WORKERS,
        estimator=estimator,
    )
    node, began = node_cpu(ws), time.perf_counter()
    sweep = Experiment(ws, "sharing").submit(config)
    assert isinstance(sweep, HyperDriveRun)
    sweep.wait_for_completion()
    cost = Cost(0.0, node_cpu(ws) - node, time.perf_counter() - began)
    values = [trial.value for trial in sweep.trials()]
    if None in values or len(values) != trials:
        raise RuntimeError(f"of {trials} trials: {sweep.sweep.counts}")
    return each(cost, trials), [float(str(value)) for value in values]


if __name__ == "__main__":
    command("Threads of trials that share a machine", measure)
