"""What people ask of a server with a long history: pages, searches, a run; for `benchmarks.scale`."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from statistics import median
from urllib.parse import urlencode, urlsplit

from benchmarks.team_ground import Team
from faena import Experiment

Figures = dict[str, str]
"""By what was measured."""
_ROUNDS = 7
_REST_S = 5.0
_METRIC = 'metrics."metric 1"'
PAGES = {
    "the first page, runs": "/ui/runs",
    "… of an experiment": "/ui/runs?" + urlencode({"experiment": "experiment 7"}),
    "… sorted by a metric": "/ui/runs?" + urlencode({"sort": f"-{_METRIC}"}),
    "… grouped by status": "/ui/runs?group=status",
    "a run": "/ui/runs/{run}",
    "five runs compared": "/ui/compare?run={runs}",
    "clusters": "/ui/clusters",
    "models": "/ui/models",
    "data": "/ui/data",
    "traces": "/ui/traces",
    "names of columns": "/ui/run-fields",
}
SEARCHES = {
    "the newest 50": {},
    "status": {"filter": "status = Failed"},
    "a tag that many have": {"filter": 'tags.team = "team 3"'},
    "a tag that one has": {"filter": 'tags.index = "777"'},
    "user and experiment": {"filter": 'user = person0017 and experiment = "experiment 7"'},
    "a metric, one in 1,000": {"filter": f"{_METRIC} > 0.999"},
    "a metric, half of all": {"filter": f"{_METRIC} > 0.5"},
    "filter on one metric, sort by another": {"filter": f"{_METRIC} < 0.2", "sort": '-metrics."metric 2"'},
    "two parameters": {"filter": "parameters.rate = 7 and parameters.net = mlp"},
    "not": {"filter": f"not {_METRIC} > 0.01"},
    "no run has it": {"filter": "tags.nobody = x"},
    "a word in a name": {"filter": "name like '%resnet%'"},
    "sorted by duration": {"sort": "-duration"},
}


class Visitor:
    def __init__(self, url: str, token: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        parts = urlsplit(url)
        self._connection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port, context=context, timeout=120
        )
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}

    def get(self, path: str) -> bytes:
        """Raises RuntimeError for what is no 200."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {data[:300]!r}")
        return data

    def close(self) -> None:
        self._connection.close()


def rest(there: Team) -> Figures:
    time.sleep(2.0)
    server, database = there.memory()
    before = there.cpu()
    time.sleep(_REST_S)
    used = [100 * (then - at) / _REST_S for then, at in zip(there.cpu(), before, strict=True)]
    of_database = f", the database {database:.0f} MB and {used[1]:.1f} %" if there.database else ""
    return {"server at rest: memory, CPU": f"{server:.0f} MB, {used[0]:.1f} %{of_database}"}


def asked(there: Team, token: str, runs: list[str]) -> Figures:
    """`runs`: the newest ones."""
    visitor = Visitor(there.url, token)
    places = {"run": runs[0], "runs": "&run=".join(runs)}
    found = {}
    for name, path in PAGES.items():
        found[f"page: {name}"] = timed(there, lambda path=path: visitor.get(path.format(**places)))  # type: ignore[misc]  # mypy infers no lambda with a default
    for name, query in SEARCHES.items():
        path = "/runs?" + urlencode({**query, "limit": 50})
        found[f"search: {name}"] = timed(there, lambda path=path: visitor.get(path))  # type: ignore[misc]  # as above
    visitor.close()
    return found


def deed(there: Team) -> Figures:
    """A run of a process that logs 100 points and completes."""

    def run() -> None:
        made = Experiment(there.workspace, "deeds").start_logging(snapshot_directory=None)
        for step in range(100):
            made.log("loss", 1 / (1 + step))
        made.complete()

    return {"a run of 100 points, started, logged, completed": timed(there, run)}


def timed(there: Team, ask: Callable[[], object]) -> str:
    """The first time, the median of the others, and CPU of server and database, a request."""
    began = time.perf_counter()
    try:
        ask()
    except RuntimeError as error:
        return str(error)[:80]
    first = 1000 * (time.perf_counter() - began)
    before, times = there.cpu(), []
    for _ in range(_ROUNDS if first < 3000 else 2):
        began = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - began))
    used = [1000 * (then - at) / len(times) for then, at in zip(there.cpu(), before, strict=True)]
    shown = " + ".join(f"{each:.0f}" for each in (used if there.database else used[:1]))
    return f"{median(times):.0f} ms (first {first:.0f}), CPU {shown}"
