"""What a run costs that does next to nothing: its script logs one metric and ends.

    python -m benchmarks.trivial_run [--quick]

Beside it, in the same run, a plain loop: two workers that start the same script as a subprocess, one after another,
with the environment variables of a run. Server, nodes and the client that submits share the machine's cores.

CPU of the server and wall are from the first submit to the last end, a run. CPU of the nodes is that of the runners and
of all that they started (/proc/PID/stat, ended children included), less what the loop's scripts took. Then the same
with 3,000 runs waiting behind those that are measured, whose submits are measured apart while both nodes are held.

MLflow beside it, from `RIVAL_PYTHON`: `mlflow run --env-manager local` of the same script in MLflow's words, by two
workers; its wall over that of its script alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from benchmarks.ground import HIDING, processes, rival_python, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Estimator, Experiment, Workspace
from faena.client.runs.run import Run
from faena.node.command import pythonpath
from faena.node.processes import descendants
from faena.testing.waiting import until

SCRIPT = """
from faena import Run
Run.get_context().log("loss", 0.5)
"""
HOLDER = """
import pathlib, time
while not pathlib.Path({gate!r}).exists():
    time.sleep(0.05)
"""
RIVAL_SCRIPT = 'import mlflow\nmlflow.log_metric("loss", 0.5)\n'
PROJECT = 'name: trivial\nentry_points:\n  main:\n    command: "python train.py"\n'
WORKERS = 2
SERVER_MS, NODE_MS, WALL_MS, SUBMIT_MS = 12, 25, 30, 5
BARE = (sys.executable, str(pythonpath(sys.executable) / "_faena_launch.py"), "train.py")
"""How a node starts the script, without the node."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds a run."""

    server: float
    node: float
    wall: float


def measure(quick: bool = False) -> list[Row]:
    count, queued = (20, 60) if quick else (300, 3000)
    with workspace() as ws:
        source = ws.folder.parent / "trivial"
        source.mkdir()
        (source / "train.py").write_text(SCRIPT)
        cluster = Cluster.create(ws, "cpu", max_nodes=WORKERS, min_nodes=WORKERS)
        warm(ws, cluster, source)
        before = loop(source, count)
        alone = run_all(ws, cluster, source, count)
        between = loop(source, count)
        submit_cost, deep = run_with_queue(ws, cluster, source, count, queued)
        after = loop(source, count)
    alone_loop, deep_loop = mean(before, between), mean(between, after)
    rival = rival_wall(quick)
    return [
        *rows("a trivial run", alone, alone_loop, rival),
        *rows(f"with {queued:,} queued", deep, deep_loop, None),
        at_most(f"server CPU, submit of {queued:,} runs", submit_cost, SUBMIT_MS, "ms a run"),
    ]


def rows(case: str, cost: Cost, beside: Cost, rival: float | None) -> list[Row]:
    plain = f"plain loop: {beside.wall:.1f} ms wall, {beside.node:.1f} ms CPU a run"
    return [
        at_most(f"server CPU, {case}", cost.server, SERVER_MS, "ms a run"),
        at_most(
            f"node CPU over the script's own, {case}",
            cost.node - beside.node,
            NODE_MS,
            "ms a run",
            note=plain,
        ),
        at_most(
            f"(wall - wall of the loop) / runs, {case}",
            cost.wall - beside.wall,
            WALL_MS,
            "ms a run",
            rival="" if rival is None else "mlflow run",
            rival_value=rival,
            note=plain,
        ),
    ]


def mean(one: Cost, other: Cost) -> Cost:
    """Of a loop before and one after what it is compared with: the machine's own speed changes."""
    return Cost(0.0, (one.node + other.node) / 2, (one.wall + other.wall) / 2)


def estimator(source: Path, cluster: Cluster, script: str = "train.py") -> Estimator:
    return Estimator(source, entry_script=script, compute_target=cluster, interpreter=sys.executable)


def warm(ws: Workspace, cluster: Cluster, source: Path, script: str = "train.py") -> None:
    """Both nodes there, the interpreter looked at, bytecode compiled."""
    for _ in range(2 * WORKERS):
        Experiment(ws, "warm").submit(estimator(source, cluster, script)).wait_for_completion()
    until(lambda: len(processes(ws, "faena.node")) == WORKERS, "both nodes are there")


def run_all(ws: Workspace, cluster: Cluster, source: Path, count: int) -> Cost:
    server, node, began = server_cpu(ws), node_cpu(ws), time.perf_counter()
    runs = [Experiment(ws, "trivial").submit(estimator(source, cluster)) for _ in range(count)]
    wait_for(runs[-WORKERS:])
    wall = time.perf_counter() - began
    cost = Cost(server_cpu(ws) - server, node_cpu(ws) - node, wall)
    check_completed(runs)
    return each(cost, count)


def run_with_queue(
    ws: Workspace, cluster: Cluster, source: Path, count: int, queued: int
) -> tuple[float, Cost]:
    """(server CPU of a submit while the nodes are held, what `count` runs cost with `queued` behind them)."""
    gate = source.parent / "gate"
    holder = source.parent / "holder"
    holder.mkdir()
    (holder / "hold.py").write_text(HOLDER.format(gate=str(gate)))
    held = [Experiment(ws, "held").submit(estimator(holder, cluster, "hold.py")) for _ in range(WORKERS)]
    until(lambda: all(run.get_status() == "Running" for run in held), "both nodes are held")
    before = server_cpu(ws)
    measured = [Experiment(ws, "deep").submit(estimator(source, cluster)) for _ in range(count)]
    # of the same experiment: those of another would have every second turn
    waiting = [Experiment(ws, "deep").submit(estimator(source, cluster)) for _ in range(queued)]
    submit = 1000 * (server_cpu(ws) - before) / (count + queued)
    server, node, began = server_cpu(ws), node_cpu(ws), time.perf_counter()
    gate.touch()
    wait_for(measured[-WORKERS:])
    wall = time.perf_counter() - began
    cost = each(Cost(server_cpu(ws) - server, node_cpu(ws) - node, wall), count)
    for run in reversed(waiting):
        run.cancel()
    check_completed(measured)
    return submit, Cost(cost.server + submit, cost.node, cost.wall)


def each(cost: Cost, count: int) -> Cost:
    return Cost(*(1000 * seconds / count for seconds in (cost.server, cost.node, cost.wall)))


def wait_for(runs: Sequence[Run]) -> None:
    """As whoever submits does: by the stream that follows a run, which costs the server less than to be asked often."""
    for run in runs:
        run.wait_for_completion(raise_on_error=False)


def check_completed(runs: Sequence[Run]) -> None:
    until(lambda: all(run.refresh().ended_at for run in runs), "all have ended", seconds=120)
    found = [run.get_status() for run in runs]
    if set(found) != {"Completed"}:
        raise RuntimeError(f"of {len(runs)} runs {found.count('Completed')} are Completed")


def variables_of_bare(folder: str) -> dict[str, str]:
    """Of a run, for a script that is none. `folder`: where it logs."""
    return {
        "PYTHONPATH": str(pythonpath(sys.executable)),
        "PYTHONUNBUFFERED": "1",
        "FAENA_RUN_ID": "loop",
        "FAENA_EXPERIMENT": "loop",
        "FAENA_SPOOL": folder,
        "FAENA_SOCKET": f"{folder}/no.sock",
    }


def loop(source: Path, count: int) -> Cost:
    """The same script as subprocesses: the wall and the CPU of one, in milliseconds."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        before, began = children_cpu(), time.perf_counter()
        in_workers(BARE, count, source, variables_of_bare(folder))
        return each(Cost(0.0, children_cpu() - before, time.perf_counter() - began), count)


def in_workers(command: Sequence[str], count: int, cwd: Path, variables: dict[str, str]) -> None:
    todo: SimpleQueue[int] = SimpleQueue()
    for number in range(count):
        todo.put(number)
    environment = {name: value for name, value in os.environ.items() if name not in HIDING} | variables

    def work() -> None:
        while True:
            try:
                todo.get_nowait()
            except Empty:
                return
            subprocess.run(
                command,
                cwd=cwd,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def rival_wall(quick: bool) -> float | None:
    """Milliseconds that `mlflow run` adds to a run of its script."""
    if (rival := rival_python()) is None:
        return None
    count = 2 if quick else 6
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        (folder / "train.py").write_text(RIVAL_SCRIPT)
        (folder / "MLproject").write_text(PROJECT)
        store = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "PATH": f"{Path(rival).parent}{os.pathsep}{os.environ['PATH']}",
        }
        in_workers([rival, "train.py"], 1, folder, store)  # the database is made

        def wall(command: list[str]) -> float:
            began = time.perf_counter()
            in_workers(command, count, folder, store)
            return 1000 * (time.perf_counter() - began) / count

        alone = wall([rival, "train.py"])
        return wall([rival, "-m", "mlflow", "run", "--env-manager", "local", "."]) - alone


def server_cpu(ws: Workspace) -> float:
    return sum(cpu_seconds(pid) for pid in processes(ws, "faena.server"))


def node_cpu(ws: Workspace) -> float:
    """Of the runners, and of all that they have started: in the tree now, or waited for."""
    found = 0.0
    for pid in processes(ws, "faena.node"):
        tree = [pid, *(process.pid for process in descendants(pid))]
        found += sum(cpu_seconds(each, children=True) for each in tree)
    return found


def cpu_seconds(pid: int, *, children: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15] if children else fields[11:13])) / _TICKS


def children_cpu() -> float:
    used = os.times()
    return used.children_user + used.children_system


if __name__ == "__main__":
    command("A trivial run", measure)
