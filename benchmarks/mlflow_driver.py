"""What a client of MLflow's does with a server, timed; run by the rival's interpreter.

    python mlflow_driver.py URL FOLDER SMALL [RECORD]

Prints by row, as JSON, milliseconds of a call and milliseconds of CPU that it took the server, whose process group is
SERVER_GROUP. RECORD: a file that gets what the server answered, for one that answers at once.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

URL, FOLDER, SMALL = sys.argv[1], Path(sys.argv[2]), bool(int(sys.argv[3]))
RECORD = Path(sys.argv[4]) if len(sys.argv) > 4 else None
RUNS, HISTORY, LARGE, FILES = (100, 10_000, 10, 20) if SMALL else (1000, 100_000, 100, 100)
POINTS = 500
FILLED: dict[str, str] = json.loads(os.environ.get("FILLED", "{}"))
"""Experiments that the benchmark made, by the number of their runs."""
LONGEST = 15.0
"""Seconds after which nothing is repeated any more: some searches take as long."""
TELLING = ("experiment_ids", "page_token", "filter", "order_by", "max_results")
"""Fields that tell one search from another."""
GROUP = int(os.environ.get("SERVER_GROUP", "0"))
TICKS = os.sysconf("SC_CLK_TCK")
answers: dict[str, str] = {}


def key_of(method: str, path: str, body: bytes) -> str:
    """A page of a list is told by its token and what was asked; whose run it is makes no difference."""
    parts = urlsplit(path)
    asked = parse_qs(parts.query)
    token = asked.get("page_token", [""])[0] or asked.get("path", [""])[0].rpartition("/")[2]
    if not token and body[:1] == b"{":
        told = json.loads(body)
        token = " ".join(str(told.get(name) or "") for name in TELLING)
    return f"{method} {parts.path if 'artifacts/' not in parts.path else parts.path[:40]} {token}"


def record() -> None:
    send = requests.Session.send

    def sent(self: requests.Session, request: Any, **options: Any) -> Any:
        answer = send(self, request, **options)
        body = (
            request.body
            if isinstance(request.body, bytes)
            else (request.body or "").encode()
            if isinstance(request.body, str) or request.body is None
            else b""
        )
        if not options.get("stream") or "artifacts/" not in request.path_url:
            answers[key_of(request.method, request.path_url, body)] = answer.text
        return answer

    requests.Session.send = sent  # type: ignore[method-assign]  # what it answers is to be had


def server_cpu() -> float:
    """Milliseconds that the server's processes have used."""
    used = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == GROUP:
            used += int(fields[11]) + int(fields[12])
    return 1000 * used / TICKS


def milliseconds(times: int, work: Callable[[int], object]) -> tuple[float, float]:
    taken, before = [], server_cpu()
    until = time.perf_counter() + LONGEST
    for number in range(times):
        began = time.perf_counter()
        work(number)
        taken.append(1000 * (time.perf_counter() - began))
        if time.perf_counter() > until:
            break
    return statistics.median(taken), (server_cpu() - before) / len(taken)


def each_of(threads: int, times: int, work: Callable[[int, int], object]) -> tuple[float, float]:
    """Of a call, of so many threads at once."""
    began, before = time.perf_counter(), server_cpu()
    started = [
        threading.Thread(target=lambda who=who: [work(who, number) for number in range(times)])
        for who in range(threads)
    ]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    calls = threads * times
    return 1000 * (time.perf_counter() - began) / calls, (server_cpu() - before) / calls


def now() -> int:
    return int(time.time() * 1000)


def search(client: MlflowClient, experiment: str, asked: dict[str, Any], number: int) -> None:
    client.search_runs([experiment], **asked)


def rows() -> dict[str, tuple[float, float]]:
    client = MlflowClient(URL)
    experiment = client.create_experiment(f"bench {time.time()}")

    def new_run() -> str:
        return str(client.create_run(experiment).info.run_id)

    def one(number: int) -> list[Metric]:
        return [Metric("one", step / 7, now(), POINTS * number + step) for step in range(POINTS)]

    def many(number: int) -> list[Metric]:
        return [Metric(f"m{name}", name / 7, now(), number) for name in range(POINTS)]

    few = 1 if SMALL else 4
    run = new_run()
    found: dict[str, tuple[float, float]] = {}
    found["create run"] = milliseconds(25 * few, lambda number: client.create_run(experiment))
    found["log_metric"] = milliseconds(
        50 * few, lambda number: client.log_metric(run, "loss", 1 / (number + 1), step=number)
    )
    others = [new_run() for _ in range(4)]
    found["log_metric, 4 threads, each"] = each_of(
        4, 25 * few, lambda who, number: client.log_metric(others[who], "loss", 1 / (number + 1), step=number)
    )
    found["log_batch of 500, one metric"] = milliseconds(
        2 * few, lambda number: client.log_batch(run, metrics=one(number))
    )
    wide = new_run()
    found["log_batch of 500 metrics"] = milliseconds(
        2 * few, lambda number: client.log_batch(wide, metrics=many(number))
    )
    long = new_run()
    for start in range(0, HISTORY, 1000):
        client.log_batch(
            long,
            metrics=[Metric("long", step / 7, start + step, step) for step in range(start, start + 1000)],
        )
    found[f"history of {HISTORY} points"] = milliseconds(
        3, lambda number: client.get_metric_history(long, "long")
    )
    questions: dict[str, dict[str, Any]] = {
        "first page": {"max_results": 100},
        "filter": {"filter_string": "metrics.acc > 0.5 and params.lr = '3'"},
        "order by a metric": {"order_by": ["metrics.acc DESC"], "max_results": 100},
        "all": {},
    }
    if f"{RUNS:,}" not in FILLED:
        FILLED[f"{RUNS:,}"] = filled(client, f"searched {time.time()}")
    for count, experiment_name in sorted(FILLED.items(), key=lambda item: len(item[0])):
        of_filled = client.get_experiment_by_name(experiment_name).experiment_id
        for name, asked in questions.items():
            times = 3 * few if count == f"{RUNS:,}" else 3
            found[f"search of {count} runs, {name}"] = milliseconds(
                times, partial(search, client, of_filled, asked)
            )
    large = FOLDER / "large.bin"
    large.write_bytes(os.urandom(LARGE << 20))
    small = FOLDER / "small"
    small.mkdir()
    for number in range(FILES):
        (small / f"{number}.txt").write_text("x" * 1000 + str(number))
    kept = [new_run() for _ in range(3)]
    found[f"artifact of {LARGE} MB, up"] = milliseconds(
        3, lambda number: client.log_artifact(kept[number], str(large))
    )
    got = [FOLDER / f"got{number}" for number in range(3)]
    for folder in got:
        folder.mkdir()
    found[f"artifact of {LARGE} MB, down"] = milliseconds(
        3, lambda number: client.download_artifacts(kept[number], "large.bin", str(got[number]))
    )
    found[f"{FILES} small artifacts, up"] = milliseconds(
        3, lambda number: client.log_artifacts(kept[number], str(small), "small")
    )
    fetched = [FOLDER / f"small{number}" for number in range(3)]
    for folder in fetched:
        folder.mkdir()
    found[f"{FILES} small artifacts, down"] = milliseconds(
        3, lambda number: client.download_artifacts(kept[number], "small", str(fetched[number]))
    )
    found["log_model of scikit-learn"] = milliseconds(3 * few, log_model_in(experiment))
    return found


def filled(client: MlflowClient, name: str) -> str:
    """An experiment with RUNS runs."""
    experiment = client.create_experiment(name)
    for number in range(RUNS):
        made = client.create_run(experiment, start_time=number).info.run_id
        client.log_batch(
            made,
            metrics=[Metric("acc", (number * 37 % 101) / 101, 0, 0)],
            params=[Param("lr", str(number % 10))],
        )
    return name


def log_model_in(experiment: str) -> Callable[[int], None]:
    """Its packages are named: to find them out MLflow starts a process, which costs seconds and asks no server."""
    import mlflow
    from sklearn.linear_model import LogisticRegression

    mlflow.set_tracking_uri(URL)
    model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])

    def log(number: int) -> None:
        with mlflow.start_run(experiment_id=experiment):
            mlflow.sklearn.log_model(model, name="model", pip_requirements=["scikit-learn"])

    return log


if RECORD:
    record()
print(json.dumps(rows()))
if RECORD:
    RECORD.write_text(json.dumps(answers))
