"""Runs on a Ray cluster, beside what plain Ray does on the same one: its own autoscaler, four nodes of one CPU at most.

    RAY_PYTHON=… python -m benchmarks.on_ray [--quick]

`RAY_PYTHON`: an interpreter with ray[default] (`make ray` makes one); without it, or without root, all is skipped.
Cluster, server and nodes are on this machine, in a network of their own.

The first line: from `Experiment.submit` to the script's first line in the follow stream, in turn with `ray job submit`
as a whole process. A warm Ray node without a runner: the last runner has left, and another one is started by the
bridge, which is there or has to be sent first. The gang: from the submit of a run of two nodes (from the start of a
plain driver script) to the first statement of the last script (of the last bare Python that its actors start), from
zero nodes of Ray. Throughput: four nodes are held while 500 runs queue; from then to the end of the last.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks import ray_place
from benchmarks.first_line import first_line
from benchmarks.ground import in_turns, median, processes, workspace
from benchmarks.joined_line import joined
from benchmarks.memory import pss_mb
from benchmarks.rows import Row, at_most, command
from benchmarks.trivial_run import (
    BARE,
    HOLDER,
    SCRIPT,
    check_completed,
    estimator,
    server_cpu,
    variables_of_bare,
    wait_for,
)
from faena import Experiment, JoinedCluster, RayCluster, ScriptRunConfig, Workspace
from faena.compute.machines.schemas import ListenerRequest
from faena.testing.waiting import until

NODES = 4
OF_WARM, OF_JOINED, GANG_OVER_S = 1 / 2, 1 / 5, 1.0
_RANK = "import time\nfrom faena import Run\nRun.get_context().log('began', time.time())\n"
_SHORT, _LONG = 0.05, 30.0
"""Minutes that a node of Ray idles for."""
_NOTICED = 7.0
"""Seconds after which the server knows that a bridge which was stopped says nothing any more."""


def measure(quick: bool = False) -> list[Row]:
    if why := ray_place.unavailable():
        return [Row(f"skipped: {why}", "", 0, "")]
    found = ray_place.inside("benchmarks.on_ray", *(["quick"] if quick else []))
    return [Row(**each) for each in found]


def within(file: Path, quick: bool) -> None:
    """In the cluster's own network."""
    with workspace() as ws:
        ws.api.nodes.listen(ListenerRequest("127.0.0.1"))
        with ray_place.head(ws.folder.parent / "ray", _LONG):
            rows = [*first_lines(ws, 2 if quick else 7), *throughput(ws, 40 if quick else 500, quick)]
        with ray_place.head(ws.folder.parent / "ray-again", _SHORT):
            rows.append(gangs(ws, 1 if quick else 3))
        file.write_text(json.dumps([asdict(row) for row in rows]))


def attached(ws: Workspace, name: str, idle_seconds: float) -> RayCluster:
    return RayCluster.attach(
        ws, name, address=ray_place.ADDRESS, max_nodes=NODES, idle_seconds_before_scaledown=idle_seconds
    )


def no_runner(cluster: RayCluster) -> None:
    until(lambda: cluster.get_status().current_node_count == 0, "its runner has left", seconds=60)


def first_lines(ws: Workspace, rounds: int) -> list[Row]:
    warm = attached(ws, "warm", 0)
    far = JoinedCluster.create(ws, "far", max_nodes=1)
    ray_place.rival("nodes", "1")

    def on_warm() -> float:
        no_runner(warm)
        return first_line(ws, warm, sys.executable)

    def without_bridge() -> float:
        no_runner(warm)
        ray_place.stop_jobs("faena-")
        time.sleep(_NOTICED)
        return first_line(ws, warm, sys.executable)

    with joined(ws, far):
        subjects: dict[str, Callable[[], float]] = {
            "job": ray_place.job_submit,
            "joined": partial(first_line, ws, far, sys.executable),
            "warm": on_warm,
        }
        times = in_turns(subjects, rounds)
        sent = in_turns({"job": ray_place.job_submit, "no bridge": without_bridge}, 1 if rounds < 3 else 2)
    return [
        of_job("a warm Ray node without a runner", times, "warm", OF_WARM),
        of_job("the same, and no bridge", sent, "no bridge", OF_WARM),
        of_job("a joined node that idles", times, "joined", OF_JOINED),
    ]


def of_job(case: str, times: dict[str, list[float]], subject: str, limit: float) -> Row:
    """By pairs that followed each other: the machine's load changes meanwhile."""
    ours, jobs = times[subject], times["job"]
    ratios = [own / job for own, job in zip(ours, jobs, strict=True)]
    return Row(
        f"first line, {case}",
        f"≤ {limit:g} of `ray job submit`",
        median(ours),
        "s",
        rival="ray job submit",
        rival_value=median(jobs),
        holds=median(ratios) <= limit,
        note=f"{min(ours):.2f} to {max(ours):.2f} s, Ray's {min(jobs):.2f} to {max(jobs):.2f}; of each pair "
        f"{min(ratios):.2f} to {max(ratios):.2f}, median {median(ratios):.3f}",
    )


def gangs(ws: Workspace, rounds: int) -> Row:
    cluster = attached(ws, "gang", 0)

    def zero() -> None:
        no_runner(cluster)
        until(lambda: ray_place.node_count() == 0, "Ray has no node", seconds=120)

    ours, whole, alone = list[float](), list[float](), list[float]()
    for _ in range(rounds):
        zero()
        ours.append(gang(ws, cluster))
        zero()
        began, found = ray_place.rival("gang", "2")
        whole.append(found["at"] - began)
        alone.append(found["seconds"])
    over = [own - plain for own, plain in zip(ours, whole, strict=True)]
    return at_most(
        "a gang of 2 from zero nodes: submit → both scripts began",
        median(ours),
        median(whole) + GANG_OVER_S,
        "s",
        rival="a driver script of Ray's",
        rival_value=median(whole),
        note=f"{GANG_OVER_S:g} s over Ray's; {min(ours):.1f} to {max(ours):.1f} s, Ray's {min(whole):.1f} to "
        f"{max(whole):.1f}, of which {median(alone):.1f} after it was connected; over it, by pairs, "
        f"{min(over):+.1f} to {max(over):+.1f} s",
    )


def gang(ws: Workspace, cluster: RayCluster) -> float:
    source = ws.folder.parent / "gang"
    source.mkdir(exist_ok=True)
    (source / "train.py").write_text(_RANK)
    made = ScriptRunConfig(str(source), script="train.py", compute_target=cluster)
    made.run_config.node_count = 2
    made.run_config.environment.python.user_managed_dependencies = True
    made.run_config.environment.python.interpreter_path = sys.executable
    began = time.time()
    run = Experiment(ws, "gang").submit(made)
    run.wait_for_completion()
    starts = run.get_metrics()["began"]
    if len(starts) != 2:
        raise RuntimeError(f"{len(starts)} of two scripts began")
    return float(max(starts)) - began


def throughput(ws: Workspace, count: int, quick: bool) -> list[Row]:
    cluster = attached(ws, "many", 2)
    source = ws.folder.parent / "many"
    source.mkdir()
    (source / "train.py").write_text(SCRIPT)
    ray_place.rival("nodes", str(NODES))
    head = ray_place.head_mb()
    seconds, cpu, queued, busy = many(ws, cluster, source, count)
    ours = ray_place.head_mb()
    no_runner(cluster)
    told = {
        "command": BARE,
        "cwd": str(source),
        "variables": variables_of_bare(str(source)),
        "count": count,
        "at_once": NODES,
    }
    _, tasks = ray_place.rival("tasks", json.dumps(told))
    few = 4 if quick else 12
    job_seconds = ray_place.jobs([ray_place.ray_python(), "-c", "pass"], few)
    return [
        Row(
            f"{count} runs queued on {NODES} Ray nodes",
            "",
            count / seconds,
            "runs/s",
            rival=f"{count} plain tasks of the same script",
            rival_value=count / tasks["wall"],
            note=f"Ray's own jobs of a bare Python, {few} at once: {few / job_seconds:.2f} a second; server CPU "
            f"{1000 * cpu / count:.1f} ms a run",
        ),
        Row(
            f"{count} runs queued on {NODES} Ray nodes: the server's PSS",
            "",
            busy,
            "MB",
            note=f"queued {queued:.0f} MB",
        ),
        Row(
            f"{count} runs on {NODES} Ray nodes: the head's PSS",
            "",
            ours,
            "MB",
            note=f"before {head:.0f} MB, after as many plain tasks and {few} jobs {ray_place.head_mb():.0f}",
        ),
    ]


def many(ws: Workspace, cluster: RayCluster, source: Path, count: int) -> tuple[float, float, float, float]:
    """From when all are queued to the end of the last: seconds, CPU seconds of the server; its PSS before and after."""
    gate, holder = source.parent / "open", source.parent / "holder"
    holder.mkdir()
    (holder / "hold.py").write_text(HOLDER.format(gate=str(gate)))
    held = [Experiment(ws, "held").submit(estimator(holder, cluster, "hold.py")) for _ in range(NODES)]
    until(lambda: all(run.get_status() == "Running" for run in held), "all nodes are held", seconds=120)
    runs = [Experiment(ws, "many").submit(estimator(source, cluster)) for _ in range(count)]
    (server,) = processes(ws, "faena.server")
    queued, cpu, began = pss_mb(server), server_cpu(ws), time.perf_counter()
    gate.touch()
    wait_for(runs[-NODES:])
    seconds = time.perf_counter() - began
    cpu = server_cpu(ws) - cpu
    check_completed(runs)
    return seconds, cpu, queued, pss_mb(server)


if __name__ == "__main__":
    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        within(Path(sys.argv[1]), sys.argv[2:] == ["quick"])
    else:
        command("On a Ray cluster", measure)
