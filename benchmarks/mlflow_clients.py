"""MLflow's own client against Faena's server and MLflow's, SQLite, one worker: milliseconds of each call.

    python -m benchmarks.mlflow_clients [--quick]

Needs `RIVAL_PYTHON`. A third server answers at once what Faena's answered: what is left is what the client costs. Where
ten times MLflow's rate is below that floor, 1.3 times the floor is the budget.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import mlflow_crowd
from benchmarks.ground import HIDING, processes, rival_python, workspace
from benchmarks.load import free_port
from benchmarks.mlflow_crowd import Crowd
from benchmarks.rows import Row, command
from faena.testing.waiting import until

_TIMES = 10.0
_OF_FLOOR = 1.3
_MANY, _RUNS = "many runs", 10_000
FILLED = {f"{_RUNS:,}": _MANY}
"""Experiments that are searched beside the one that the client makes, by the number of their runs."""
_CLIENTS = 20
_P99 = 100.0
_HERE = Path(__file__).parent


def measure(quick: bool = False) -> list[Row]:
    python = rival_python()
    if python is None:
        return []
    with workspace() as made:
        folder = Path(made.folder)
        found = made.api.gateway.open_to_programs()
        runs = 10 if quick else _RUNS
        mlflow_crowd.fill(found.url, found.token, _MANY, runs)
        [server] = processes(made, "faena.server")
        recorded = folder / "answers.json"
        ours = driven_ours(python, found.url, found.token, server, folder, FILLED, recorded, quick=quick)
        our_crowd = mlflow_crowd.logging_at_once(found.url, found.token, _CLIENTS)
        memory = _memory(server)
        database = f"sqlite:///{folder / 'mlflow.db'}"
        fill_rival(python, database, _MANY, runs)
        with rival(python, folder, database) as (url, group):
            theirs = driven(python, url, folder / "theirs", FILLED, quick=quick, SERVER_GROUP=str(group))
            their_crowd = mlflow_crowd.logging_at_once(url, clients=_CLIENTS, points=20)
        with at_once(python, recorded) as (url, _):
            floor = driven(python, url, folder / "floor", FILLED, quick=quick)
        most = "≤ 100 MB"
        return [
            *(row(name, value, theirs[name], floor.get(name)) for name, value in ours.items()),
            _crowd_row(our_crowd, their_crowd),
            Row("memory of the server after all that", most, memory, "MB", holds=memory <= 100),
        ]


Figure = tuple[float, float]
"""Milliseconds of a call, and of the server's CPU."""


def row(name: str, ours: Figure, theirs: Figure, floor: Figure | None, times: float = _TIMES) -> Row:
    budget = theirs[0] / times
    said = f"≤ 1/{times:g} of the rival"
    if floor is not None and budget < _OF_FLOOR * floor[0]:
        budget, said = _OF_FLOOR * floor[0], f"≤ {_OF_FLOOR} x the client alone"
    note = "" if floor is None else f"the client alone {floor[0]:.3g} ms; "
    note += f"server CPU {ours[1]:.3g} and {theirs[1]:.3g} ms"
    holds = ours[0] <= budget
    return Row(f"MLflow's client: {name}", said, ours[0], "ms", "MLflow's server", theirs[0], holds, note)


def _crowd_row(ours: Crowd, theirs: Crowd) -> Row:
    note = f"median {ours.p50:.3g} and {theirs.p50:.3g} ms; lost {ours.lost} and {theirs.lost}"
    holds = ours.p99 <= _P99 and not ours.lost
    name = f"log_metric, {_CLIENTS} clients of the protocol at once, p99"
    return Row(name, f"≤ {_P99:g} ms", ours.p99, "ms", "MLflow's server", theirs.p99, holds, note)


def _memory(pid: int) -> float:
    """Megabytes that the process has to itself, and its share of what it has with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def driven_ours(
    python: str,
    url: str,
    token: str,
    server: int,
    folder: Path,
    filled: Mapping[str, str],
    recorded: Path,
    *,
    quick: bool,
) -> Mapping[str, Figure]:
    """`server`: the process of Faena's; `recorded` gets its answers."""
    group = str(os.getpgid(server))
    given = {"MLFLOW_TRACKING_TOKEN": token, "SERVER_GROUP": group}
    return driven(python, url, folder / "ours", filled, str(recorded), quick=quick, **given)


def driven(
    python: str,
    url: str,
    folder: Path,
    filled: Mapping[str, str],
    *arguments: str,
    quick: bool,
    **variables: str,
) -> Mapping[str, Figure]:
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    quiet["FILLED"] = json.dumps(filled)
    given = [python, "-P", str(_HERE / "mlflow_driver.py"), url, str(folder), str(int(quick)), *arguments]
    done = subprocess.run(
        given, env=environment | quiet | variables, cwd=folder, stdout=subprocess.PIPE, check=True
    )
    read: dict[str, tuple[float, float]] = json.loads(done.stdout.decode().splitlines()[-1])
    return {name: (taken, cpu) for name, (taken, cpu) in read.items()}


def fill_rival(python: str, database: str, name: str, runs: int) -> None:
    fill = [python, "-P", str(_HERE / "mlflow_fill.py"), database, name, str(runs)]
    subprocess.run(fill, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def rival(python: str, folder: Path, database: str, workers: int = 1) -> Iterator[tuple[str, int]]:
    """MLflow's server: its address, and its process group."""
    port = free_port()
    store = ["--backend-store-uri", database, "--workers", str(workers), "--port", str(port)]
    files = ["--artifacts-destination", str(folder / "mlartifacts")]
    with _server([python, "-m", "mlflow", "server", *store, *files], port) as found:
        yield found


@contextmanager
def at_once(python: str, recorded: Path) -> Iterator[tuple[str, int]]:
    port = free_port()
    with _server([sys.executable, "-P", str(_HERE / "at_once.py"), str(recorded), str(port)], port) as found:
        yield found


@contextmanager
def _server(given: list[str], port: int) -> Iterator[tuple[str, int]]:
    """Its address, and its process group."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    server = subprocess.Popen(
        given,
        env=environment | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), "the server answers", seconds=180)
        yield url, server.pid
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its workers, too
        server.wait()


def _answers(url: str) -> bool:
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        return bool(urlopen(f"{url}/health", timeout=5).status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    command("MLflow's client", measure)
