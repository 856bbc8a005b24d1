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

from benchmarks.ground import HIDING, rival_python, workspace
from benchmarks.load import free_port
from benchmarks.rows import Row, command
from faena.testing.waiting import until

_TIMES = 10.0
_OF_FLOOR = 1.3
_HERE = Path(__file__).parent


def measure(quick: bool = False) -> list[Row]:
    python = rival_python()
    if python is None:
        return []
    with workspace() as made:
        folder = Path(made.folder)
        found = made.api.gateway.open_to_programs()
        recorded = folder / "answers.json"
        ours = _driven(
            python, found.url, folder / "ours", quick, str(recorded), MLFLOW_TRACKING_TOKEN=found.token
        )
        with _rival(python, folder) as url:
            theirs = _driven(python, url, folder / "theirs", quick)
        with _at_once(python, recorded) as url:
            floor = _driven(python, url, folder / "floor", quick, ANSWERS_AT_ONCE="1")
        return [_row(name, value, theirs[name], floor.get(name)) for name, value in ours.items()]


def _row(name: str, ours: float, theirs: float, floor: float | None) -> Row:
    budget = theirs / _TIMES
    said = f"≤ 1/{_TIMES:g} of the rival"
    if floor is not None and budget < _OF_FLOOR * floor:
        budget, said = _OF_FLOOR * floor, f"≤ {_OF_FLOOR} x the client alone"
    note = "" if floor is None else f"the client alone {floor:.3g} ms"
    return Row(f"MLflow's client: {name}", said, ours, "ms", "MLflow's server", theirs, ours <= budget, note)


def _driven(
    python: str, url: str, folder: Path, quick: bool, *arguments: str, **variables: str
) -> Mapping[str, float]:
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    given = [python, "-P", str(_HERE / "mlflow_driver.py"), url, str(folder), str(int(quick)), *arguments]
    done = subprocess.run(
        given, env=environment | quiet | variables, cwd=folder, stdout=subprocess.PIPE, check=True
    )
    read: dict[str, float] = json.loads(done.stdout.decode().splitlines()[-1])
    return read


@contextmanager
def _rival(python: str, folder: Path) -> Iterator[str]:
    port = free_port()
    store = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--workers",
        "1",
        "--port",
        str(port),
    ]
    files = ["--artifacts-destination", str(folder / "mlartifacts")]
    with _server([python, "-m", "mlflow", "server", *store, *files], port) as url:
        yield url


@contextmanager
def _at_once(python: str, recorded: Path) -> Iterator[str]:
    port = free_port()
    with _server([sys.executable, "-P", str(_HERE / "at_once.py"), str(recorded), str(port)], port) as url:
        yield url


@contextmanager
def _server(given: list[str], port: int) -> Iterator[str]:
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
        yield url
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
