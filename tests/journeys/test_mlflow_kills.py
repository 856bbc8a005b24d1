"""The server is killed while MLflow's clients log: what was acknowledged is there, what they repeat is there once."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import pytest

from faena import Workspace
from faena.client.runs.run import Run
from faena.testing.kills.processes import server_of
from faena.testing.waiting import until
from tests.journeys.scripts import Project

Point = tuple[str, float, int]
"""Metric, value, step; the time in milliseconds is 1,000 more than the step."""


class LoggingClient:
    """By the protocol alone. As MLflow's client it repeats what was not answered; more than once where it can."""

    def __init__(self, workspace: Workspace, who: int) -> None:
        found = workspace.api.gateway.open_to_programs()
        self._url, self._token, self._who = found.url, found.token, who
        self.run = str(self._post("runs/create", experiment_id="0")["run"]["info"]["run_id"])
        self.logged: list[Point] = []
        self.files: dict[str, bytes] = {}

    def log(self, step: int) -> None:
        match (self._who + step) % 3:
            case 0:
                self._log_points([("loss", step / 7, step)], one="log-metric")
            case 1:
                self._log_points([(f"m{each}", each / 3, step) for each in range(self._who, 20)])
            case _:
                data = f"{self._who} {step}".encode() * 50
                self._send(
                    "PUT", f"/api/2.0/mlflow-artifacts/artifacts/0/{self.run}/artifacts/{step}.txt", data
                )
                self.files[f"{step}.txt"] = data

    def _log_points(self, points: list[Point], one: str = "") -> None:
        told = [
            {"key": key, "value": value, "step": step, "timestamp": 1000 + step}
            for key, value, step in points
        ]
        if one:
            self._post(f"runs/{one}", run_id=self.run, **told[0])
        else:
            self._post("runs/log-batch", run_id=self.run, metrics=told)
        self.logged += points

    def history(self, key: str) -> list[Point]:
        path = f"/api/2.0/mlflow/metrics/get-history?run_id={self.run}&metric_key={key}"
        return [(key, each["value"], each["step"]) for each in json.loads(self._send("GET", path))["metrics"]]

    def file(self, name: str) -> bytes:
        return self._send("GET", f"/api/2.0/mlflow-artifacts/artifacts/0/{self.run}/artifacts/{name}")

    def _post(self, path: str, **fields: object) -> dict[str, dict[str, dict[str, str]]]:
        answer: dict[str, dict[str, dict[str, str]]] = json.loads(
            self._send("POST", f"/api/2.0/mlflow/{path}", json.dumps(fields).encode())
        )
        return answer

    def _send(self, verb: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        asked = urllib.request.Request(f"{self._url}{path}", body, headers, method=verb)

        def answered() -> list[bytes]:
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    return [answer.read()]
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
            except (OSError, EOFError, ValueError):
                pass
            return []

        return until(answered, f"{verb} {path} is answered")[0]


def test_what_clients_repeat_after_a_kill_is_there_once(own_workspace: Workspace) -> None:
    clients = [LoggingClient(own_workspace, who) for who in range(4)]
    over = threading.Event()
    with ThreadPoolExecutor(len(clients)) as pool:
        going = [pool.submit(_log_until, over, client) for client in clients]
        try:
            until(lambda: sum(len(client.logged) for client in clients) > 300, "some points are there")
            _kill_server(own_workspace)
            before = sum(len(client.logged) for client in clients)
            own_workspace.api.version()  # starts the next one, which listens where the one before did
            until(
                lambda: sum(len(client.logged) for client in clients) > before + 100, "more points are there"
            )
        finally:
            over.set()
        for each in going:
            each.result()
    for client in clients:
        keys = {key for key, _, _ in client.logged}
        found = [point for key in keys for point in client.history(key)]
        assert Counter(found) == Counter(client.logged)
        assert {name: client.file(name) for name in client.files} == client.files


def _log_until(over: threading.Event, client: LoggingClient) -> None:
    for step in count():
        client.log(step)
        if over.is_set():
            return


def _kill_server(workspace: Workspace) -> None:
    server = server_of(workspace.files.path)
    assert server is not None
    os.kill(server, signal.SIGKILL)


STEPS = 400
SCRIPT = f"""
    import os, threading, time
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient()
    runs = [client.create_run(os.environ["MLFLOW_EXPERIMENT_ID"], run_name=name).info.run_id
            for name in ("one by one", "batches", "asynchronous")]

    def one_by_one():
        for step in range({STEPS}):
            client.log_metric(runs[0], "loss", step / 7, step=step)

    def batches():
        for step in range({STEPS}):
            client.log_batch(runs[1], metrics=[Metric(f"m{{n}}", n / 3, 1000 + step, step) for n in range(20)])

    def asynchronous():
        for step in range({STEPS}):
            client.log_metric(runs[2], "loss", step / 7, step=step, synchronous=False)
            time.sleep(0.01)
        mlflow.flush_async_logging()

    def fluent():
        for step in range({STEPS}):
            mlflow.log_metrics({{"loss": step / 7, "acc": step / 3}}, step=step)

    threads = [threading.Thread(target=each) for each in (one_by_one, batches, asynchronous)]
    for each in threads:
        each.start()
    fluent()
    for each in threads:
        each.join()
    for run in runs:
        client.set_terminated(run)
"""


@pytest.mark.campaign
@pytest.mark.parametrize("version", ["3.17.2", "2.22.5"])
def test_true_clients_lose_nothing_by_kills(project: Project, version: str) -> None:
    """In a run, whose runner brings the server back."""
    run = project.submit(SCRIPT, pip_packages=[f"mlflow-skinny=={version}"])
    chance, kills = random.Random(16), 0
    until(lambda: run.get_status() in ("Running", "Failed", "Completed"), "it runs", seconds=600)
    for _ in range(5):
        wanted = _logged(run) + chance.randint(10, 60)
        until(partial(_has_logged, run, wanted), "it has logged more, or ended", seconds=300)
        if run.get_status() != "Running":
            break
        _kill_server(project.workspace)
        kills += 1
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Completed", run.refresh().error
    assert kills
    steps = list(range(STEPS))
    assert run.get_metrics() == {"loss": [step / 7 for step in steps], "acc": [step / 3 for step in steps]}
    found = {child.display_name: child.get_metrics() for child in run.get_children()}
    assert found["one by one"] == found["asynchronous"] == {"loss": [step / 7 for step in steps]}
    assert found["batches"] == {f"m{number}": [number / 3] * STEPS for number in range(20)}


def _logged(run: Run) -> int:
    found = run.get_metrics("loss").get("loss", [])
    return len(found) if isinstance(found, list) else 1


def _has_logged(run: Run, wanted: int) -> bool:
    return _logged(run) >= wanted or run.get_status() != "Running"
