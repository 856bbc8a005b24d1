"""Many clients that log to a server of MLflow's protocol at once, each as fast as it is answered.

They are threads of this process, and speak it themselves, at a tenth of what MLflow's own client costs: else that would
be what is measured.
"""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_API = "/api/2.0/mlflow"


class Crowd(NamedTuple):
    p50: float
    """Milliseconds of a point."""
    p99: float
    lost: int
    """Points that are not there afterwards, or more than once."""


class Visitor:
    """One connection."""

    def __init__(self, url: str, token: str = "") -> None:
        self._connection = HTTPConnection(str(urlsplit(url).netloc), timeout=120)
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, verb: str, path: str, **fields: Any) -> Any:
        body = json.dumps(fields).encode() if fields else None
        self._connection.request(verb, f"{_API}/{path}", body, self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{verb} {path}: {answer.status} {data[:300]!r}")
        return json.loads(data)

    def new_run(self, experiment: str, **fields: Any) -> str:
        made = self.ask("POST", "runs/create", experiment_id=experiment, **fields)
        return str(made["run"]["info"]["run_id"])


def logging_at_once(url: str, token: str = "", clients: int = 20, points: int = 100) -> Crowd:
    visitors = [Visitor(url, token) for _ in range(clients)]
    runs = [visitor.new_run("0") for visitor in visitors]
    taken: list[float] = []

    def log(visitor: Visitor, run: str) -> None:
        for step in range(points):
            began = time.perf_counter()
            at = int(time.time() * 1000)
            visitor.ask(
                "POST", "runs/log-metric", run_id=run, key="loss", value=step / 7, timestamp=at, step=step
            )
            taken.append(1000 * (time.perf_counter() - began))

    threads = [threading.Thread(target=log, args=each) for each in zip(visitors, runs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.sort()
    wanted = [(step, step / 7) for step in range(points)]
    lost = 0
    for run in runs:
        found = visitors[0].ask("GET", f"metrics/get-history?run_id={run}&metric_key=loss")["metrics"]
        kept = sorted((int(each["step"]), each["value"]) for each in found)
        lost += 0 if kept == wanted else max(1, abs(len(wanted) - len(kept)))
    return Crowd(taken[len(taken) // 2], taken[int(0.99 * len(taken))], lost)


def fill(url: str, token: str, name: str, runs: int) -> None:
    """An experiment with so many runs, each with a metric and a parameter."""
    first = Visitor(url, token)
    experiment = str(first.ask("POST", "experiments/create", name=name)["experiment_id"])

    def some(numbers: range) -> None:
        visitor = Visitor(url, token)
        for number in numbers:
            run = visitor.new_run(experiment, start_time=1 + number)
            metrics = [{"key": "acc", "value": value(number), "timestamp": 0, "step": 0}]
            params = [{"key": "lr", "value": str(number % 10)}]
            visitor.ask("POST", "runs/log-batch", run_id=run, metrics=metrics, params=params)

    threads = [threading.Thread(target=some, args=(range(start, runs, 8),)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def value(number: int) -> float:
    """Of a run's metric."""
    return (number * 37 % 101) / 101
