"""ChainerMN on two ranks against one, with two independent copies beside each other as the control.

    python -m benchmarks.ranks [--quick]

A network of 784-1000-1000-10 units trains on batches of 1,000 a rank, one thread each, communicator 'naive', which is
the one for CPUs: 7 MB of gradients an iteration. The figure is a median iteration. Two cores that share memory and
caches are slower at two things at once than at one, whatever these say to each other: so the budget is against the two
copies, which are started as the ranks are and say nothing. Runs of each kind take turns.

What a start costs: from the script's start, as its guard notes it, to MPI's first barrier, mpi4py loaded.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.ground import median, workspace
from benchmarks.rows import Row, at_least, command
from faena import Chainer, Cluster, Experiment, Workspace
from faena.client.runs.run import Run

SCRIPT = """
import statistics, sys, time
import chainer, chainermn
import chainer.functions as F, chainer.links as L
import numpy as np
from mpi4py import MPI
from faena import Run

MPI.COMM_WORLD.Barrier()
met = time.time()
kind, iterations = sys.argv[1], int(sys.argv[2])
world = chainermn.create_communicator("naive")
random = np.random.RandomState(world.rank)
images = random.rand(1000, 784).astype(np.float32)
digits = random.randint(0, 10, 1000).astype(np.int32)
layers = chainer.Sequential(L.Linear(784, 1000), F.relu, L.Linear(1000, 1000), F.relu, L.Linear(1000, 10))
model = L.Classifier(layers)
optimizer = chainer.optimizers.MomentumSGD(0.01)
if kind == "ranks":
    optimizer = chainermn.create_multi_node_optimizer(optimizer, world)
optimizer.setup(model)
took = []
MPI.COMM_WORLD.Barrier()
for _ in range(iterations + 3):
    began = time.perf_counter()
    optimizer.update(model, images, digits)
    took.append(time.perf_counter() - began)
took = MPI.COMM_WORLD.gather(statistics.median(took[3:]))
if world.rank == 0:
    run = Run.get_context()
    run.log("iteration", statistics.mean(took))
    run.log("met", met)
"""
EFFICIENCY = 0.9
KINDS = {"alone": (1, 1), "copies": (1, 2), "ranks": (1, 2), "nodes": (2, 1)}
"""Nodes, and processes on each."""


def measure(quick: bool = False) -> list[Row]:
    rounds, iterations = (2, 10) if quick else (9, 20)
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=2, min_nodes=2, cores_per_node=1)
        source = Path(ws.folder).parent / "ranks"
        source.mkdir()
        (source / "train.py").write_text(SCRIPT)
        finished(ws, cluster, source, "copies", 3)
        took: dict[str, list[float]] = {kind: [] for kind in KINDS}
        starts: list[float] = []
        for _ in range(rounds):
            for kind, found in took.items():
                run = finished(ws, cluster, source, kind, iterations)
                metrics = run.get_metrics()
                found.append(1000 * float(metrics["iteration"]))
                if kind == "ranks":
                    (began,) = [phase.started_at for phase in run.refresh().phases if phase.name == "Running"]
                    starts.append(float(metrics["met"]) - began / 1e6)
    control = median([copies / alone for copies, alone in zip(took["copies"], took["alone"], strict=True)])
    return [
        *(
            efficiency(took, kind, where, control)
            for kind, where in (("ranks", "one node"), ("nodes", "two nodes"))
        ),
        Row(
            "script started → MPI's first barrier, 2 ranks",
            "",
            1000 * median(starts),
            "ms",
            note="Chainer loaded",
        ),
    ]


def efficiency(took: dict[str, list[float]], kind: str, where: str, control: float) -> Row:
    """By pairs of runs that followed each other: the machine's speed changes meanwhile."""
    ratios = [copies / ranks for copies, ranks in zip(took["copies"], took[kind], strict=True)]
    alone, ranks = median(took["alone"]), median(took[kind])
    return at_least(
        f"2 ranks on {where}, against two independent copies",
        median(ratios),
        EFFICIENCY,
        "of the control",
        note=f"{min(ratios):.2f} to {max(ratios):.2f}; an iteration: {ranks:.0f} ms, of one rank alone {alone:.0f}, of "
        f"the copies {control:.2f} times that: efficiency {alone / ranks:.2f}",
    )


def finished(ws: Workspace, cluster: Cluster, source: Path, kind: str, iterations: int) -> Run:
    nodes, processes = KINDS[kind]
    estimator = Chainer(
        source,
        entry_script="train.py",
        compute_target=cluster,
        script_params={kind: iterations},
        node_count=nodes,
        process_count_per_node=processes,
        distributed_backend="mpi",
    )
    run = Experiment(ws, "ranks").submit(estimator)
    run.wait_for_completion()
    return run


if __name__ == "__main__":
    command("Ranks", measure)
