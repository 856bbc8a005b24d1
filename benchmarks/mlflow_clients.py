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
        recorded = folder / "answers.json"
        [server] = processes(made, "faena.server")
        ours = _driven(
            python,
            found.url,
            folder / "ours",
            quick,
            str(recorded),
            MLFLOW_TRACKING_TOKEN=found.token,
            SERVER_GROUP=str(os.getpgid(server)),
        )
        our_crowd = mlflow_crowd.logging_at_once(found.url, found.token, _CLIENTS)
        memory = _memory(server)
        with _rival(python, folder, runs) as (url, group):
            theirs = _driven(python, url, folder / "theirs", quick, SERVER_GROUP=str(group))
            their_crowd = mlflow_crowd.logging_at_once(url, clients=_CLIENTS, points=20)
        with _at_once(python, recorded) as (url, _):
            floor = _driven(python, url, folder / "floor", quick)
        rows = [_row(name, value, theirs[name], floor.get(name)) for name, value in ours.items()]
        most = "≤ 100 MB"
        return [
            *rows,
            _crowd_row(our_crowd, their_crowd),
            Row("memory of the server after all that", most, memory, "MB", holds=memory <= 100),
        ]


Figure = tuple[float, float]
"""Milliseconds of a call, and of the server's CPU."""


def _row(name: str, ours: Figure, theirs: Figure, floor: Figure | None) -> Row:
    budget = theirs[0] / _TIMES
    said = f"≤ 1/{_TIMES:g} of the rival"
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


def _driven(
    python: str, url: str, folder: Path, quick: bool, *arguments: str, **variables: str
) -> Mapping[str, Figure]:
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    given = [python, "-P", str(_HERE / "mlflow_driver.py"), url, str(folder), str(int(quick)), *arguments]
    done = subprocess.run(
        given, env=environment | quiet | variables, cwd=folder, stdout=subprocess.PIPE, check=True
    )
    read: dict[str, tuple[float, float]] = json.loads(done.stdout.decode().splitlines()[-1])
    return {name: (taken, cpu) for name, (taken, cpu) in read.items()}


@contextmanager
def _rival(python: str, folder: Path, runs: int) -> Iterator[tuple[str, int]]:
    port, database = free_port(), f"sqlite:///{folder / 'mlflow.db'}"
    fill = [python, "-P", str(_HERE / "mlflow_fill.py"), database, _MANY, str(runs)]
    subprocess.run(fill, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = ["--backend-store-uri", database, "--workers", "1", "--port", str(port)]
    files = ["--artifacts-destination", str(folder / "mlartifacts")]
    with _server([python, "-m", "mlflow", "server", *store, *files], port) as found:
        yield found


@contextmanager
def _at_once(python: str, recorded: Path) -> Iterator[tuple[str, int]]:
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
