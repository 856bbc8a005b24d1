"""What runs beside our sweeps, with the script of the plain loop: Optuna with subprocesses, and Ray Tune."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import optuna

from benchmarks.ground import HIDING, rival_python
from benchmarks.rows import Row
from benchmarks.trivial_run import BARE, WORKERS, loop, variables_of_bare

_OF_RAY = 20, 4
"""Trials of Ray Tune, and where few are asked for: 100 took more than 150 s where they were tried."""


def optuna_loop(source: Path, count: int) -> float:
    """Wall milliseconds a trial of the plain loop whose workers ask and tell."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    lock = threading.Lock()
    left = iter(range(count))

    def work() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
                trial = study.ask()
                x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
            loop(source, 1)
            with lock:
                study.tell(trial, x + y)

    began = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1000 * (time.perf_counter() - began) / count


def beside_ray(count: int, ours: float, of_bare: float, rays: Sequence[float], version: str | None) -> Row:
    if version is None:
        rival, beside = "Ray Tune is not installed beside MLflow", None
    else:
        rival, beside = f"Ray Tune {version}", statistics.median(rays) - of_bare
    note = f"of Ray Tune {of_ray(count)} trials" if version else ""
    return Row(
        f"the same of {count:,} at random beside Ray Tune", "", ours, "ms a trial", rival, beside, note=note
    )


def of_ray(count: int) -> int:
    return _OF_RAY[count < 100]


def ray_version() -> str | None:
    """None where the rivals' environment lacks it."""
    if (python := rival_python()) is None:
        return None
    ask = "from importlib.metadata import version; print(version('ray'))"
    done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def ray(source: Path, count: int) -> float:
    """Wall milliseconds a trial of Ray Tune."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        given = {
            "command": BARE,
            "cwd": str(source),
            "variables": variables_of_bare(folder),
            "count": count,
            "at_once": WORKERS,
        }
        # Ray has its workers look for modules beside the script, where some are called as those of Python
        script = shutil.copy(Path(__file__).with_name("ray_tune.py"), folder)
        environment = {name: value for name, value in os.environ.items() if name not in HIDING}
        done = subprocess.run(
            [str(rival_python()), str(script), json.dumps(given)],
            capture_output=True,
            text=True,
            env={**environment, "RAY_AIR_NEW_OUTPUT": "0", "RAY_USAGE_STATS_ENABLED": "0"},
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"Ray Tune failed: {done.stderr.strip()[-1000:]}")
    return float(1000 * json.loads(done.stdout.strip().splitlines()[-1])["wall"] / count)
