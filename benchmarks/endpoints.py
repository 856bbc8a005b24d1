"""What an endpoint costs: requests a second, latency and CPU a request, beside what else serves models.

    python -m benchmarks.endpoints [--quick]

One worker each, the same echo and the same perceptron of MNIST's size, load by wrk at 1, 8 and 64 clients, in turns:
medians of the rounds. CPU is that of all processes of a server, from /proc, a request. Rivals: `SERVING_RIVALS_PYTHON`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import endpoint_batches, endpoint_starts, rival_servers
from benchmarks.ground import median, workspace
from benchmarks.load import Result, wrk
from benchmarks.rival_servers import NETWORK, Server
from benchmarks.rows import Row, at_least, at_most, command
from benchmarks.serving_bodies import BINARY_HEADERS, IMAGE, binary
from faena import Environment, InferenceConfig, LocalWebservice, Model, Workspace
from faena.endpoints.folder import EndpointFolder
from faena.testing.shutdown import end_endpoints

CLIENTS = (1, 8, 64)
ECHO = "import json\ndef init():\n    pass\n\ndef run(data):\n    return json.loads(data)['data']\n"
MNIST = (
    f"import json\n{NETWORK}\ndef init():\n    global network\n    network = Network()\n\n"
    "def run(data):\n    return network(json.loads(data)['data']).tolist()\n"
)
ARRAYS = (
    "import numpy as np\nfrom inference_schema.schema_decorators import input_schema\n"
    "from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType\n"
    f"{NETWORK}\ndef init():\n    global network\n    network = Network()\n\n"
    "@input_schema('data', NumpyParameterType(np.zeros((1, 784), np.float32)))\n"
    "def run(data):\n    return network(data).tolist()\n"
)
LOOP = """
import json, sys, time
{script}
init()
body = open(sys.argv[1]).read()
def once():
    return json.dumps(run(body))
once()
began, count = time.process_time(), 0
while time.process_time() - began < 1:
    once()
    count += 1
print((time.process_time() - began) / count * 1e6)
"""

Loads = dict[tuple[str, str, int], list[Result]]
"""By server, what it scores, and clients."""


@dataclass(frozen=True, slots=True)
class Served:
    server: Server
    folder: EndpointFolder


def measure(quick: bool = False) -> list[Row]:
    rounds, seconds = (1, 1.0) if quick else (5, 2.0)
    with workspace() as ws, ExitStack() as stack:
        stack.callback(end_endpoints, ws)
        folder = ws.folder.parent / "load"
        folder.mkdir()
        model = _model(ws)
        ours, deployed = {}, {}
        for name, script in (("echo", ECHO), ("mnist", MNIST), ("arrays", ARRAYS)):
            ours[name], deployed[name] = _deploy(ws, model, name, script)
        rivals = {
            what: [stack.enter_context(each(what, folder)) for each in rival_servers.ALL]
            for what in ("echo", "mnist")
            if rival_servers.python() is not None
        }
        found: Loads = {}
        for _ in range(rounds):
            for what in ("echo", "mnist"):
                for server in (ours[what].server, *rivals.get(what, ())):
                    for clients in CLIENTS:
                        body = json.dumps({server.field: [[7]] if what == "echo" else [IMAGE]}).encode()
                        result = wrk(server.url, body, clients, seconds, server.pid, folder)
                        found.setdefault((server.name, what, clients), []).append(result)
        rows = list(_against(found, rivals))
        rows += _over_a_loop(found, folder)
        rows.append(_binary(found, ours["arrays"].server, folder, seconds, rounds))
        rows.append(
            at_most("deploy to the first 200, echo, environment known", min(deployed.values()), 0.6, "s")
        )
        rows += endpoint_starts.rows(ws, model, quick)
        rows += endpoint_batches.rows(ws, model, folder, rounds, seconds)
        rows.append(_while_it_ingests(ws, ours["echo"].server, folder, seconds))
        rows.append(_memory(ours["echo"]))
    return rows


def _model(ws: Workspace) -> Model:
    path = ws.folder / "weights.bin"
    path.write_bytes(b"w")
    return Model.register(ws, path, "m")


def _deploy(ws: Workspace, model: Model, name: str, script: str) -> tuple[Served, float]:
    """And the seconds from the call to its first answer."""
    source = ws.folder.parent / f"source-{name}"
    source.mkdir()
    (source / "score.py").write_text(script)
    environment = Environment("own")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    config = InferenceConfig("score.py", source_directory=source, environment=environment)
    configuration = LocalWebservice.deploy_configuration(auth_enabled=False, workers=1, threads=1)
    began = time.perf_counter()
    service = Model.deploy(ws, name, [model], config, configuration)
    service.wait_for_deployment()
    service.run({"data": [[7]] if name == "echo" else [IMAGE]})
    took = time.perf_counter() - began
    folder = EndpointFolder.of(ws.files.path, name)
    return Served(Server("faena", service.scoring_uri or "", folder.front_pid() or 0), folder), took


def _against(found: Loads, rivals: dict[str, list[Server]]) -> Iterator[Row]:
    wanted = {"echo": (10.0, 10.0, 10.0), "mnist": (4.0, 3.0, 4.0)}
    for what in ("echo", "mnist"):
        names = [each.name for each in rivals.get(what, ())] or [""]
        for place, clients in enumerate(CLIENTS):
            ours = found["faena", what, clients]
            for name in names:
                theirs = found.get((name, what, clients))
                rps = median([each.rps for each in ours])
                their_rps = None if theirs is None else median([each.rps for each in theirs])
                times = wanted[what][place] if name == "mlflow" else 4.0 if what == "echo" else 1.0
                note = _spread([each.rps for each in ours])
                failed = sum(each.failed for each in (*ours, *(theirs or ())))
                note += f"; {failed} not answered with 2xx" if failed else ""
                yield Row(
                    f"{what}, {clients} clients",
                    f"≥ {times:g} times the rival",
                    rps,
                    "requests/s",
                    name,
                    their_rps,
                    None if their_rps is None else rps >= times * their_rps,
                    note,
                )
                if name == "mlflow" and theirs is not None and clients > 1:
                    p99, their_p99 = (median([each.p99_ms for each in side]) for side in (ours, theirs))
                    yield Row(
                        f"{what}, {clients} clients: p99",
                        "≤ 1/2 of the rival's",
                        p99,
                        "ms",
                        name,
                        their_p99,
                        p99 <= their_p99 / 2,
                    )
        if "mlflow" in names:
            cpu, theirs_cpu = (
                median([each.cpu_us for each in found[name, what, 64]]) for name in ("faena", "mlflow")
            )
            part = 20 if what == "echo" else 6
            yield Row(
                f"{what}: CPU a request, 64 clients",
                f"≤ 1/{part} of the rival's",
                cpu,
                "µs",
                "mlflow",
                theirs_cpu,
                cpu <= theirs_cpu / part,
            )


def _over_a_loop(found: Loads, folder: Path) -> Iterator[Row]:
    """CPU a request beside calling run() in a loop and making JSON of what it gives."""
    for what, script, rows, limit in (("echo", ECHO, [[7]], 30), ("mnist", MNIST, [IMAGE], 60)):
        program, body = folder / f"loop_{what}.py", folder / f"loop_{what}.json"
        program.write_text(LOOP.format(script=script))
        body.write_text(json.dumps({"data": rows}))
        alone = float(
            subprocess.run([sys.executable, program, body], check=True, capture_output=True, text=True).stdout
        )
        cpu = median([each.cpu_us for each in found["faena", what, 64]])
        note = f"{cpu:.0f} µs a request, {alone:.0f} in the loop"
        yield at_most(f"{what}: CPU over run() in a loop, 64 clients", cpu - alone, limit, "µs", note=note)


def _binary(found: Loads, server: Server, folder: Path, seconds: float, rounds: int) -> Row:
    url = server.url.replace("/score", "/v2/models/arrays/infer")
    results = [wrk(url, binary(), 64, seconds, server.pid, folder, BINARY_HEADERS) for _ in range(rounds)]
    as_json = median([each.rps for each in found["faena", "mnist", 64]])
    failed = sum(each.failed for each in results)
    return at_least(
        "MNIST as binary tensors over JSON, 64 clients",
        median([each.rps for each in results]) / as_json,
        4,
        "times",
        note=f"{median([each.rps for each in results]):,.0f} requests/s"
        + (f"; {failed} failed" if failed else ""),
    )


def _while_it_ingests(ws: Workspace, server: Server, folder: Path, seconds: float) -> Row:
    """p99 at 8 clients while the workspace's server is sent objects of 2 MB, over p99 while it rests."""
    body = json.dumps({"data": [[7]]}).encode()
    rests = wrk(server.url, body, 8, 2 * seconds, server.pid, folder).p99_ms
    with _sending(ws):
        busy = wrk(server.url, body, 8, 2 * seconds, server.pid, folder).p99_ms
    note = f"{busy:.2f} ms, {rests:.2f} at rest; on two cores the server itself takes one"
    return at_most("/score p99 while the workspace's server ingests", busy / rests, 1.5, "times", note=note)


@contextlib.contextmanager
def _sending(ws: Workspace) -> Iterator[None]:
    """Objects that differ in their last bytes: 2 MB of noise take a client longer than they take the server."""
    over = threading.Event()
    noise = os.urandom(2 << 20)
    digested = hashlib.sha256(noise)

    def send() -> None:
        while not over.is_set():
            end = os.urandom(16)
            digest = digested.copy()
            digest.update(end)
            ws.api.send_object(digest.hexdigest(), noise + end)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def _memory(served: Served) -> Row:
    pids = [served.server.pid, *_below(served.server.pid)]
    total = sum(_pss(pid) for pid in pids) / (1 << 20)
    note = ", ".join(f"{_pss(pid) / (1 << 20):.1f}" for pid in pids) + f" MB of {len(pids)} processes"
    return at_most("front and one echo worker, PSS after load", total, 30, "MB", note=note)


def _below(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_below(int(child))]
    return found


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _spread(values: list[float]) -> str:
    return f"{min(values):,.0f} to {max(values):,.0f}"


if __name__ == "__main__":
    command("endpoints", measure)
