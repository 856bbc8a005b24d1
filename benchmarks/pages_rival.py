"""MLflow's own pages of as many runs and metrics, from `RIVAL_PYTHON`, in the same Chromium."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.ground import HIDING, rival_python, workspace
from benchmarks.load import free_port
from faena.testing.waiting import until

_LOADS = 3
_FILL = """
import json, sys
from mlflow import MlflowClient
from mlflow.entities import Metric
client = MlflowClient(sys.argv[1])
experiment = client.create_experiment("pages")
runs = []
for run in range(int(sys.argv[2])):
    made = client.create_run(experiment).info.run_id
    client.log_batch(made, metrics=[Metric(f"m{name:02d}", run / 7, 0, 0) for name in range(int(sys.argv[3]))])
    client.set_terminated(made)
    runs.append(made)
print(json.dumps([experiment, runs]))
"""


def opened(browser: Any, runs: int, metrics: int) -> dict[str, float]:
    """Milliseconds until the first row of its table, and until the first chart of its comparison of all runs, is there.

    Empty without `RIVAL_PYTHON`.
    """
    if (python := rival_python()) is None:
        return {}
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    with workspace() as ws:
        store, port = f"sqlite:///{Path(ws.folder, 'mlflow.db')}", free_port()
        given = [python, "-c", _FILL, store, str(runs), str(metrics)]
        made = subprocess.run(given, env=environment, cwd=ws.folder, check=True, capture_output=True)
        experiment, ids = json.loads(made.stdout.decode().splitlines()[-1])
        server = subprocess.Popen(
            [
                python,
                "-m",
                "mlflow",
                "server",
                "--backend-store-uri",
                store,
                "--port",
                str(port),
                "--workers",
                "1",
            ],
            env=environment,
            cwd=ws.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            until(lambda: _answers(base), "MLflow's server answers", seconds=180)
            both = f"runs={quote(json.dumps(ids))}&experiments={quote(json.dumps([experiment]))}"
            return {
                "table": _until(browser, f"{base}/#/experiments/{experiment}/runs", "a[href*='/runs/']"),
                "comparison": _until(browser, f"{base}/#/compare-runs?{both}", "svg.main-svg"),
            }
        finally:
            os.killpg(server.pid, signal.SIGKILL)  # its workers, too
            server.wait()


def _until(browser: Any, address: str, seen: str) -> float:
    times = []
    for _ in range(_LOADS):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.locator(seen).first.wait_for(timeout=120_000)
        times.append(time.perf_counter() - began)
        context.close()
    return 1000 * statistics.median(times)


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
