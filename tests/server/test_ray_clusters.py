"""A cluster on Ray, as far as that is HTTP: the Jobs API is a test's, the bridge is ours, what it starts is simple."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from faena import Cluster, RayCluster, Workspace
from faena.attempts.records import ORDERS
from faena.client.runs.experiment import Experiment
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.compute.backends.ray import bridge
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel.errors import ComputeTargetException, Conflict, ExperimentExecutionException
from faena.testing.waiting import until
from tests.compute.ray.test_bridge import FakeRay
from tests.server.test_node_listener import Machine

TOKEN = "token-of-the-ray-cluster"


class Runner:
    """What an actor starts: joins by the name that it was given, and does nothing with each run but end it."""

    def __init__(self, what: bridge.Start) -> None:
        self._machine = Machine(what.url, what.token)
        self.name = what.name
        self.archive = what.archive
        self.said = ""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def state(self) -> tuple[str, str]:
        return (bridge.RUNNING, "") if self._thread.is_alive() else (bridge.ENDED, self.said)

    def _work(self) -> None:
        status, said = self._machine.join(self.name, cores=64)
        if status != 201:
            self.said = said["message"]
            return
        answer: dict[str, Any] = {}
        while not answer.get("leave"):
            answer = self._machine.ask("POST", f"/nodes/{self._machine.node}/work?wait=5&orders={ORDERS}")[1]
            if order := answer.get("order"):
                self._finish(order)

    def _finish(self, order: dict[str, Any]) -> None:
        attempt = f"/attempts/{order['run_id']}/{order['attempt']}/{order['rank']}"
        outcome = {"outcome": {"reason": "completed"}, "at": None}
        for step, body in (("started", {"at": 1}), ("ended", outcome), ("closed", None)):
            self._machine.ask("PUT", f"{attempt}/{step}", body, token=order["token"])


class Cloud(FakeRay):
    """Ray's side: placement groups with runners in them."""

    def __init__(self) -> None:
        super().__init__()
        self.runners: dict[tuple[str, int], Runner] = {}

    def start(self, gang: str, rank: int, what: Any) -> str:
        self.runners[gang, rank] = Runner(what)
        return super().start(gang, rank, what.name)

    def look(self, actors: dict[tuple[str, int], Any]) -> dict[tuple[str, int], tuple[str, str]]:
        return {which: self.runners[which].state for which in actors}


class Killed(Exception):
    """A bridge is no more, and does nothing about it."""


class Dashboard(ThreadingHTTPServer):
    """The Jobs API. A job is a bridge in a thread of this process; `kill` ends it as SIGKILL would."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.cloud = cloud
        self.version = "2.60.0"
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.threads: list[threading.Thread] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        job = str(body["submission_id"])
        self.jobs[job] = {"submission_id": job, "status": "RUNNING", "message": "", "body": body}
        thread = threading.Thread(target=self._bridge, args=(job,), daemon=True)
        thread.start()
        self.threads.append(thread)  # once it can be waited for
        return {"submission_id": job}

    def kill(self, job: str) -> None:
        self.jobs[job] |= {
            "status": "FAILED",
            "message": "Job entrypoint command failed with exit code -9, last available logs (20):\nhi",
        }

    def _bridge(self, job: str) -> None:
        variables = self.jobs[job]["body"]["metadata"]
        server = bridge.Server(variables["FAENA_URL"], variables["FAENA_TOKEN"])

        def start(name: str, wanted: dict[str, Any]) -> bridge.Start:
            archive = server.ask("GET", "/runner.zip")
            return bridge.Start(
                variables["FAENA_URL"], variables["FAENA_TOKEN"], name, wanted["cores"], 0, archive
            )

        def ask(report: dict[str, Any]) -> bytes:
            if self.jobs[job]["status"] != "RUNNING":
                raise Killed
            return server.ask("POST", f"/ray/{variables['FAENA_CLUSTER']}/gangs", report)

        own = bridge.Bridge(self.cloud, start)
        with suppress(bridge.Refused, Killed):
            code = bridge.serve(own, ask, {"bridge": variables["FAENA_BRIDGE"]}, time.monotonic, _sleep)
            self.jobs[job]["status"] = "SUCCEEDED" if code == 0 else "FAILED"
        server.close()


def _sleep(seconds: float) -> None:
    raise Killed


class _Asked(BaseHTTPRequestHandler):
    server: Dashboard
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(json.loads(self.rfile.read(length) or b"null"))

    def _answer(self, body: Any) -> None:
        there = self.server
        there.asked.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"error": "no token"})
        elif self.path == "/api/version":
            self._send(200, {"ray_version": there.version})
        elif self.path == "/api/jobs/" and self.command == "POST":
            self._send(200, there.submit(body))
        elif self.path == "/api/jobs/":
            self._send(200, list(there.jobs.values()))
        elif self.path == "/api/cluster_status":
            report = {"pendingLaunches": {"worker": 2}}
            self._send(200, {"data": {"clusterStatus": {"autoscalerReport": report}}})
        elif found := there.jobs.get(self.path.removeprefix("/api/jobs/")):
            self._send(200, found)
        else:
            self._send(404, {})

    def _send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  the name is the base's
        pass


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    with served(monkeypatch, Cloud()) as there:
        yield there


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> Iterator[Dashboard]:
    monkeypatch.setattr(bridge, "BEAT", 0.2)
    monkeypatch.setattr(bridge, "_OFFER", 0.2)
    there = Dashboard(cloud)
    thread = threading.Thread(target=there.serve_forever, args=(0.05,))
    thread.start()
    yield there
    for job in list(there.jobs):
        there.kill(job)
    there.shutdown()
    thread.join()
    there.server_close()
    for each in list(there.threads):
        each.join(30)


@pytest.fixture
def big(lasting_workspace: Workspace, ray: Dashboard) -> Iterator[RayCluster]:
    with attached(lasting_workspace, ray) as made:
        yield made


@contextmanager
def attached(workspace: Workspace, ray: Dashboard, idle: float = 0.3) -> Iterator[RayCluster]:
    workspace.api.nodes.listen(ListenerRequest())
    made = RayCluster.attach(
        workspace,
        f"big-{os.urandom(3).hex()}",
        address=ray.address,
        token=TOKEN,
        max_nodes=2,
        idle_seconds_before_scaledown=idle,
    )
    yield made
    made.delete()


def submit(cluster: Cluster, folder: Path, nodes: int = 1) -> Any:
    (folder / "train.py").write_text("print('here')")
    source = ScriptRunConfig(str(folder), script="train.py", compute_target=cluster.name)
    source.run_config.node_count = nodes
    return Experiment(cluster.workspace, "far").submit(source)


def test_a_gang_grows_from_nothing_runs_and_leaves(big: RayCluster, ray: Dashboard, tmp_path: Path) -> None:
    ray.cloud.places_at_once = False
    run = submit(big, tmp_path, nodes=2)
    until(lambda: len(ray.cloud.groups) == 1, "both nodes are asked for together")
    (bundles,) = ray.cloud.bundles.values()
    assert bundles == [{"CPU": 1.0}, {"CPU": 1.0}]
    until(
        lambda: "Ray launches 2 nodes" in (big.workspace.api.run(run.id).blocker or ""),
        "the run says why it waits",
    )
    ray.cloud.groups = dict.fromkeys(ray.cloud.groups, True)
    until(lambda: run.get_status() == "Completed", "the run has ended")
    assert {runner.name for runner in ray.cloud.runners.values()} == {f"{big.name}-0", f"{big.name}-1"}
    until(lambda: not ray.cloud.groups, "what idles is given back")
    assert big.get_status().current_node_count == 0
    (job,) = ray.jobs.values()
    assert TOKEN not in json.dumps(job["body"])
    assert job["body"]["metadata"]["FAENA_TOKEN"] not in job["body"]["entrypoint"]
    code = zlib.decompress(base64.b64decode(job["body"]["metadata"]["FAENA_BRIDGE_CODE"]))
    assert code == Path(bridge.__file__).read_bytes()


@pytest.mark.long
def test_a_bridge_that_dies_is_sent_again_and_finds_what_is_there(
    big: RayCluster, ray: Dashboard, tmp_path: Path
) -> None:
    ray.cloud.places_at_once = False
    run = submit(big, tmp_path)
    until(lambda: len(ray.cloud.groups) == 1, "a node is asked for")
    ray.kill(next(iter(ray.jobs)))
    until(lambda: len(ray.jobs) == 2, "another bridge is there")
    ray.cloud.groups = dict.fromkeys(ray.cloud.groups, True)
    until(lambda: run.get_status() == "Completed", "the run has ended")
    assert len(ray.cloud.runners) == 1


def test_a_run_that_is_canceled_gives_back_what_was_asked_for_it(
    big: RayCluster, ray: Dashboard, tmp_path: Path
) -> None:
    ray.cloud.places_at_once = False
    run = submit(big, tmp_path)
    until(lambda: len(ray.cloud.groups) == 1, "a node is asked for")
    run.cancel()
    until(lambda: not ray.cloud.groups, "nobody waits for it any more")


def test_what_no_node_can_satisfy_is_refused_when_it_is_submitted(big: RayCluster, tmp_path: Path) -> None:
    with pytest.raises(ExperimentExecutionException, match="max_nodes=2"):
        submit(big, tmp_path, nodes=3)
    (tmp_path / "train.py").write_text("")
    source = ScriptRunConfig(str(tmp_path), script="train.py", compute_target=big.name)
    source.run_config.gpu = "require"
    with pytest.raises(ExperimentExecutionException, match="gpus_per_node"):
        Experiment(big.workspace, "far").submit(source)


def _offer(big: RayCluster) -> Any:
    return json.loads(big.workspace.api.cluster(big.name).settings)["offer"]


@pytest.mark.long
def test_what_no_node_type_can_have_is_refused_once_it_is_known(
    big: RayCluster, ray: Dashboard, tmp_path: Path
) -> None:
    until(lambda: _offer(big), "the bridge has said that it does not know")
    assert _offer(big)["grows"] is None
    kind = {"name": "worker", "resources": {"CPU": 1.0}, "most": 1, "head": False}
    ray.cloud.offered = {"grows": True, "types": [kind], "most": 1, "nodes": []}
    until(lambda: _offer(big)["grows"], "what it offers is known")
    with pytest.raises(ExperimentExecutionException, match=r"can have 1 node with CPU 1 at most: worker has"):
        submit(big, tmp_path, nodes=2)
    run = submit(big, tmp_path)
    until(lambda: run.get_status() == "Completed", "what it can have runs")


def test_a_run_that_was_accepted_before_it_was_known_says_why_it_waits(
    big: RayCluster, ray: Dashboard, tmp_path: Path
) -> None:
    ray.cloud.places_at_once = False
    run = submit(big, tmp_path, nodes=2)
    until(lambda: len(ray.cloud.groups) == 1, "it is asked for")
    node = {"resources": {"CPU": 1.0}, "count": 1}
    ray.cloud.offered = {"grows": False, "types": [], "most": -1, "nodes": [node]}
    said = "its Ray cluster can have 1 node with CPU 1 at most"
    until(lambda: said in (big.workspace.api.run(run.id).blocker or ""), "the blocker names it")
    run.cancel()


@pytest.mark.long
def test_no_machine_joins_that_nobody_asked_for(big: RayCluster, ray: Dashboard, tmp_path: Path) -> None:
    ray.cloud.places_at_once = False
    run = submit(big, tmp_path)
    until(lambda: bool(ray.jobs), "a bridge is there")
    (job,) = ray.jobs.values()
    variables = job["body"]["metadata"]
    machine = Machine(variables["FAENA_URL"], variables["FAENA_TOKEN"])
    status, said = machine.join("somebody")
    assert (status, said["code"]) == (400, "ComputeTargetException")
    for verb, path in (
        ("GET", "/version"),
        ("POST", "/ray/other/gangs"),
        ("GET", "/runs"),
        ("PUT", f"/ray/{big.name}"),
    ):
        assert machine.ask(verb, path)[0] == 403, path
    run.cancel()


def test_the_token_is_shown_nowhere(big: RayCluster, lasting_workspace: Workspace) -> None:
    assert TOKEN not in json.dumps(lasting_workspace.api.cluster(big.name).settings)
    assert big.name not in lasting_workspace.api.secrets.names()
    kept = lasting_workspace.folder / ".faena" / "ray-tokens.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert TOKEN.encode() not in kept.read_bytes()


def test_a_ray_cluster_that_cannot_be_is_named(lasting_workspace: Workspace, ray: Dashboard) -> None:
    lasting_workspace.api.nodes.listen(ListenerRequest())
    with pytest.raises(ComputeTargetException, match="refuses the token"):
        RayCluster.attach(lasting_workspace, "bad", address=ray.address, token="another")
    with pytest.raises(ComputeTargetException, match="who has no token"):
        RayCluster.attach(lasting_workspace, "bad", address=ray.address)
    with pytest.raises(ComputeTargetException, match="cannot be reached"):
        RayCluster.attach(lasting_workspace, "bad", address="http://127.0.0.1:1")
    ray.version = "2.39.0"
    with pytest.raises(ComputeTargetException, match=r"2\.39\.0.*2\.40"):
        RayCluster.attach(lasting_workspace, "bad", address=ray.address, token=TOKEN)
    assert "bad" not in [view.name for view in lasting_workspace.api.clusters()]


def test_a_ray_cluster_needs_a_server_that_listens_for_nodes(
    lasting_workspace: Workspace, ray: Dashboard
) -> None:
    lasting_workspace.api.nodes.listen_no_more()
    with pytest.raises(Conflict, match="faena node open"):
        RayCluster.attach(lasting_workspace, "bad", address=ray.address, token=TOKEN)
