"""What a trial of a sweep costs beside its script, and how fast a policy is.

    python -m benchmarks.sweeps [--quick]

The script logs one metric and ends; two trials at a time. Beside it, in turns: a plain loop of two workers that start
the same script as a subprocess; one whose parameters Optuna's TPE chooses in this process (ask, subprocess, tell), as
one would write it without a system; and Ray Tune, whose trials are functions that start it, from `RIVAL_PYTHON`: 20 of
them, since a trial of it takes seconds. Wall a trial less that of the plain loop; CPU of server and nodes.

TPE over random: pairs of sweeps right after one another, each of them first in turn, the sampler's process gone before
each; the median of their differences, as the machine's own speed changes by more from minute to minute: within ten
seconds a sweep of 100 trials may take some ms a trial more or less, so those are many.

Policy: trials that fall behind at once, from the moment in which a script has called `log` to the one in which it gets
SIGTERM, as it writes both down.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import processes, workspace
from benchmarks.rows import Row, at_most, command
from benchmarks.sweep_rivals import beside_ray, of_ray, optuna_loop, ray, ray_version
from benchmarks.trivial_run import (
    SCRIPT,
    WORKERS,
    Cost,
    cpu_seconds,
    each,
    estimator,
    loop,
    node_cpu,
    server_cpu,
    warm,
)
from faena import (
    BanditPolicy,
    BayesianParameterSampling,
    Cluster,
    Experiment,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRun,
    PrimaryMetricGoal,
    RandomParameterSampling,
    Workspace,
    uniform,
)
from faena.client.sweeps.policies import EarlyTerminationPolicy
from faena.client.sweeps.samplings import HyperParameterSampling
from faena.testing.kills.processes import commanded, parent_of
from faena.testing.waiting import until

PAIRS = {100: 15, 1000: 3}
"""By how many trials each sweep has; of 1,000 a pair takes as long as ten of 100."""
WALL_MS, WARM_MS, TPE_MS, REACTION_MS = 30, 15, 5, 1000
SPACE = {"--x": uniform(0, 1), "--y": uniform(0, 1)}
STOPPED = """
import json, os, signal, sys, time
from faena import Run
def stopped(*_):
    with open("outputs/times.json", "w") as file:
        json.dump([logged, time.time()], file)
    sys.exit(0)
signal.signal(signal.SIGTERM, stopped)
time.sleep(0.3)
Run.get_context().log("loss", float(sys.argv[-1]))
logged = time.time()
while True:
    time.sleep(1)
"""


def measure(quick: bool = False) -> list[Row]:
    counts = (20,) if quick else (100, 1000)  # more than the first ones, which no model draws
    found: list[Row] = []
    with workspace() as ws:
        source = ws.folder.parent / "trivial"
        source.mkdir()
        (source / "train.py").write_text(SCRIPT)
        cluster = Cluster.create(ws, "cpu", max_nodes=WORKERS, min_nodes=WORKERS)
        warm(ws, cluster, source)
        for count in counts:
            found += _trials(ws, cluster, source, count)
        found += _reaction(ws, cluster, 4 if quick else 20)
        found.append(at_most("server's memory after these sweeps", _memory(ws), 250, "MB"))
    return found


def _trials(ws: Workspace, cluster: Cluster, source: Path, count: int) -> list[Row]:
    bare, random, warm_ones = [], [], []
    plain: list[float] = []
    rays: list[float] = []
    version = None if count > 100 else ray_version()
    for _ in range(1 if count > 100 else 3):
        bare.append(loop(source, count))
        random.append(_sweep(ws, cluster, source, count, RandomParameterSampling(SPACE, seed=1)))
        warm_ones.append(
            _sweep(ws, cluster, source, count, RandomParameterSampling(SPACE, seed=1), warm=True)
        )
        plain.append(optuna_loop(source, count))
        if version:
            rays.append(ray(source, of_ray(count)))
            warm(ws, cluster, source)  # the server and its nodes left meanwhile
            _sweep(ws, cluster, source, 2 * WORKERS, RandomParameterSampling(SPACE, seed=1), warm=True)
        bare.append(loop(source, count))
    of_bare, of_random = _median(bare), _median(random)
    of_warm = _median(warm_ones)
    of_plain = statistics.median(plain)
    pairs = [
        _pair(ws, cluster, source, count, is_first=place % 2 == 0) for place in range(PAIRS.get(count, 1))
    ]
    over = sorted(pair.wall for pair in pairs)
    beside = f"plain loop {of_bare.wall:.1f} ms wall and {of_bare.node:.1f} ms CPU a trial"
    return [
        at_most(
            f"(wall - wall of the loop) / trials, {count:,} at random",
            of_random.wall - of_bare.wall,
            WALL_MS,
            "ms a trial",
            rival="plain Optuna loop",
            rival_value=of_plain - of_bare.wall,
            note=beside,
        ),
        at_most(
            f"(wall - wall of the loop) / trials, {count:,} at random, warm=True",
            of_warm.wall - of_bare.wall,
            WARM_MS,
            "ms a trial",
            note=f"node CPU {of_warm.node:.1f} ms a trial, cold {of_random.node:.1f}",
        ),
        *(
            []
            if count > 100
            else [beside_ray(count, of_random.wall - of_bare.wall, of_bare.wall, rays, version)]
        ),
        Row(f"server CPU, {count:,} trials at random", "", of_random.server, "ms a trial"),
        Row(
            f"node CPU over the script's own, {count:,} trials at random",
            "",
            of_random.node - of_bare.node,
            "ms a trial",
        ),
        at_most(
            f"wall of TPE over random, {count:,} trials",
            statistics.median(over),
            TPE_MS,
            "ms a trial",
            note=f"{len(pairs)} pairs, {_spread(over)}; CPU a trial: server "
            f"{statistics.median(pair.server for pair in pairs):.1f} ms more, sampler "
            f"{statistics.median(pair.sampler for pair in pairs):.1f} ms",
        ),
    ]


def _spread(values: Sequence[float]) -> str:
    """Of sorted ones."""
    whole = f"{values[0]:.1f} to {values[-1]:.1f}"
    if len(values) < 4:
        return whole
    lower, _, upper = statistics.quantiles(values, n=4)
    return f"half of them {lower:.1f} to {upper:.1f}, all {whole}"


@dataclass(frozen=True, slots=True)
class _Over:
    """What TPE took more than random sampling, in milliseconds a trial. `sampler`: CPU of its process."""

    wall: float
    server: float
    sampler: float


def _pair(ws: Workspace, cluster: Cluster, source: Path, count: int, *, is_first: bool) -> _Over:
    """`is_first`: TPE is."""

    def random() -> Cost:
        return _sweep(ws, cluster, source, count, RandomParameterSampling(SPACE, seed=1))

    until(lambda: not _samplers(ws), "the sampler's process has left")
    before = None if is_first else random()
    learned = _sweep(ws, cluster, source, count, BayesianParameterSampling(SPACE, seed=1))
    sampler = sum(cpu_seconds(pid) for pid in _samplers(ws))
    plain = before or random()
    return _Over(learned.wall - plain.wall, learned.server - plain.server, 1000 * sampler / count)


def _samplers(ws: Workspace) -> list[int]:
    servers = processes(ws, "faena.server")
    found = commanded(lambda words: "faena.sweeps.sample" in words)
    return [pid for pid in found if parent_of(pid) in servers]


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        *(statistics.median(getattr(cost, name) for cost in costs) for name in ("server", "node", "wall"))
    )


def _sweep(
    ws: Workspace,
    cluster: Cluster,
    source: Path,
    count: int,
    sampling: HyperParameterSampling,
    *,
    warm: bool = False,
) -> Cost:
    server, node, began = server_cpu(ws), node_cpu(ws), time.perf_counter()
    sweep = _begin(ws, cluster, source, sampling, count, warm=warm)
    sweep.wait_for_completion()
    cost = Cost(server_cpu(ws) - server, node_cpu(ws) - node, time.perf_counter() - began)
    found = sweep.sweep.counts
    if found != {"Completed": count}:
        raise RuntimeError(f"of {count} trials: {found}")
    return each(cost, count)


def _begin(
    ws: Workspace,
    cluster: Cluster,
    source: Path,
    sampling: HyperParameterSampling,
    count: int,
    policy: EarlyTerminationPolicy | None = None,
    *,
    warm: bool = False,
) -> HyperDriveRun:
    config = HyperDriveConfig(
        sampling,
        "loss",
        PrimaryMetricGoal.MINIMIZE,
        count,
        WORKERS,
        policy=policy,
        estimator=estimator(source, cluster),
        warm=warm,
    )
    sweep = Experiment(ws, "sweeps").submit(config)
    assert isinstance(sweep, HyperDriveRun)
    return sweep


def _reaction(ws: Workspace, cluster: Cluster, count: int) -> list[Row]:
    """Trials log 0, 1, 2, …, one after another: each but the first falls behind with its first value."""
    source = ws.folder.parent / "stopped"
    source.mkdir()
    (source / "train.py").write_text(STOPPED)
    space = {"--loss": ["choice", [list(range(count + 1))]]}
    sweep = _begin(
        ws, cluster, source, GridParameterSampling(space), count + 1, BanditPolicy(slack_amount=0.5)
    )
    while sweep.sweep.counts.get("Canceled", 0) < count:
        time.sleep(0.2)
    sweep.cancel()
    sweep.wait_for_completion(raise_on_error=False)
    times = []
    for trial in sweep.trials():
        run = ws.get_run(str(trial.run_id))
        if trial.stopped:
            target = ws.folder.parent / f"times-{trial.number}.json"
            run.download_file("outputs/times.json", str(target))
            logged, stopped = map(float, target.read_text().strip("[]").split(","))
            times.append(1000 * (stopped - logged))
    times.sort()
    worst = times[min(len(times) - 1, int(0.95 * len(times)))]
    return [
        at_most(
            "p95 from log to SIGTERM of a trial that a policy stops",
            worst,
            REACTION_MS,
            "ms",
            note=f"of {len(times)}; median {statistics.median(times):.0f} ms",
        )
    ]


def _memory(ws: Workspace) -> float:
    total = 0
    for pid in processes(ws, "faena.server"):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


if __name__ == "__main__":
    command("Trials of a sweep", measure)
