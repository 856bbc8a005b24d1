"""What a stopping policy saves on the real job: the MNIST example of the examples folder, with the article's policy.

    python -m benchmarks.stopping [--quick]

Trials have batch sizes from 100 to 12,800, in an order by chance, and go two at a time; the example's seed is the same
in all. The same sweep runs without a policy and with `BanditPolicy(evaluation_interval=1, slack_factor=0.1,
delay_evaluation=3)`, in turns. CPU seconds are of all processes that the nodes started. The environment, the digits
and the first start of both nodes come before.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.ground import median, workspace
from benchmarks.rows import Row, command
from benchmarks.trivial_run import WORKERS, node_cpu
from faena import (
    BanditPolicy,
    Chainer,
    Cluster,
    Experiment,
    HyperDriveConfig,
    HyperDriveRun,
    PrimaryMetricGoal,
    RandomParameterSampling,
    Workspace,
    choice,
)
from faena.client.sweeps.policies import EarlyTerminationPolicy

EXAMPLE = Path(__file__).parents[1] / "examples" / "chainer-mnist"
BATCHES = [100 * 2**power for power in range(8)]
NOISE = 0.002
"""Of an accuracy on 10,000 digits: a standard error at 0.96."""


class Found:
    """What a sweep took and came to."""

    def __init__(self, cpu: float, wall: float, sweep: HyperDriveRun) -> None:
        self.cpu, self.wall = cpu, wall
        self.counts = sweep.sweep.counts
        values = [trial.value for trial in sweep.trials() if trial.value is not None]
        self.best = max(values)


def measure(quick: bool = False) -> list[Row]:
    batches, epochs, rounds = (BATCHES[::2], 4, 1) if quick else (BATCHES, 12, 2)
    policy = BanditPolicy(evaluation_interval=1, slack_factor=0.1, delay_evaluation=3)
    found: dict[bool, list[Found]] = {False: [], True: []}
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=WORKERS, min_nodes=WORKERS)
        for _ in range(2):  # the environment and the digits are there, and both nodes
            _sweep(ws, cluster, [3200, 6400], 1, None)
        for _ in range(rounds):
            for stops, costs in found.items():
                costs.append(_sweep(ws, cluster, batches, epochs, policy if stops else None))
    free, bandit = found[False], found[True]
    stopped = [each.counts.get("Canceled", 0) for each in bandit]
    bests = [median([each.best for each in costs]) for costs in (bandit, free)]
    noise = "within" if abs(bests[0] - bests[1]) <= NOISE else "NOT within"
    note = (
        f"{len(batches)} trials of {epochs} epochs, stopped: {' and '.join(map(str, stopped))}; best accuracy "
        f"{bests[0]:.4f} against {bests[1]:.4f}, {noise} a standard error of {NOISE:g}"
    )
    return [
        Row(
            "CPU seconds of the MNIST sweep with a Bandit policy",
            "",
            median([each.cpu for each in bandit]),
            "s",
            "no policy",
            median([each.cpu for each in free]),
            note=note,
        ),
        Row(
            "wall of the MNIST sweep with a Bandit policy",
            "",
            median([each.wall for each in bandit]),
            "s",
            "no policy",
            median([each.wall for each in free]),
        ),
    ]


def _sweep(
    ws: Workspace, cluster: Cluster, batches: list[int], epochs: int, policy: EarlyTerminationPolicy | None
) -> Found:
    estimator = Chainer(
        source_directory=EXAMPLE,
        entry_script="chainer_mnist.py",
        script_params={"--output_dir": "./outputs", "--epochs": epochs},
        compute_target=cluster,
        use_gpu=True,
    )
    config = HyperDriveConfig(
        RandomParameterSampling({"--batchsize": choice(batches)}, seed=1),
        "Accuracy",
        PrimaryMetricGoal.MAXIMIZE,
        len(batches),
        WORKERS,
        policy=policy,
        estimator=estimator,
    )
    cpu, began = node_cpu(ws), time.perf_counter()
    sweep = Experiment(ws, "stopping").submit(config)
    assert isinstance(sweep, HyperDriveRun)
    sweep.wait_for_completion()
    found = Found(node_cpu(ws) - cpu, time.perf_counter() - began, sweep)
    if found.counts.get("Completed", 0) + found.counts.get("Canceled", 0) != len(batches):
        raise RuntimeError(f"of {len(batches)} trials: {found.counts}")
    return found


if __name__ == "__main__":
    command("What a stopping policy saves", measure)
