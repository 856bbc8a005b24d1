"""What the doctor says of nodes on other machines."""

from __future__ import annotations

import json
import socket
from functools import partial
from pathlib import Path

from faena import JoinedCluster, Workspace
from faena.compute import store as compute
from faena.compute.backends.ray.schemas import Offer
from faena.compute.backends.ray.settings import RaySettings
from faena.compute.machines import service as machines
from faena.compute.machines.schemas import JoinRequest, JoinTokenRequest, ListenerRequest
from faena.compute.model import Cluster, ClusterKind
from faena.db import Database, Write
from faena.health import nodes, ray_clusters
from faena.health.finding import State
from faena.health.subject import Subject
from faena.server.app import House  # noqa: F401  adds the tables of all features
from faena.workspaces.secrets import RAY_TOKENS, Secrets
from tests.server.test_ray_clusters import TOKEN, Dashboard
from tests.server.test_ray_clusters import ray as ray  # a fixture

HOUR = 3600 * 1_000_000


def test_a_workspace_without_other_machines_has_nothing_said_of_them(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    assert [*nodes.check_node_listener(subject), *nodes.check_machines(subject)] == []


def _furnish(write: Write, now: int) -> str:
    compute.put_cluster(write, Cluster("yard", 0, 4, 0.0, None, now, now, ClusterKind.JOINED))
    told = JoinRequest("shed", "1", 1, 1, "3.11", "linux", 2)
    token = machines.new_join_token(write, JoinTokenRequest("yard"), "https://x", "", now).token
    return machines.join(write, told, token, "10.0.0.2", now, (), "").node.id


def test_machines_that_are_away_for_long_are_named(tmp_path: Path) -> None:
    database = Database(tmp_path / "faena.db")
    now = 100 * HOUR
    try:
        node = database.submit_write(partial(_furnish, now=now)).result()
        [found] = nodes.check_machines(Subject(tmp_path, now=now))
        assert (found.state, found.found) == (State.OK, "1")
        database.submit_write(lambda write: _forget(write, node)).result()
        [found] = nodes.check_machines(Subject(tmp_path, now=now + HOUR))
        assert (found.state, found.found) == (State.OK, "1, 1 of them away")
        [found] = nodes.check_machines(Subject(tmp_path, now=now + 30 * HOUR))
        assert found.state is State.WARNING
        assert "shed is away since 1 d 06 h" in found.found
        assert found.remedy == "faena node remove shed"
    finally:
        database.close()


def _forget(write: Write, node: str) -> None:
    found = compute.node(write, node)
    assert found is not None
    compute.remove_node(write, found, found.since)


def test_where_nobody_answers_is_told(own_workspace: Workspace) -> None:
    own_workspace.api.nodes.listen(ListenerRequest())
    JoinedCluster.create(own_workspace, "yard")
    folder = own_workspace.folder / ".faena"
    subject = Subject(folder if folder.exists() else own_workspace.folder)
    assert subject.folder is not None
    [found] = nodes.check_node_listener(subject)
    assert found.state is State.OK
    path = subject.folder / "nodes" / "listener.json"
    said = json.loads(path.read_text())
    with socket.create_server(("127.0.0.1", 0)) as free:
        said["listener"]["port"] = free.getsockname()[1]
    path.write_text(json.dumps(said))
    [found] = nodes.check_node_listener(subject)
    assert found.state is State.PROBLEM


def _ray(address: str, offer: Offer | None, waits: str) -> Cluster:
    settings = RaySettings(address, offer=offer)
    return Cluster("big", 0, 4, 0.0, 1, 0, 0, ClusterKind.RAY, settings.text, waits)


def test_a_ray_cluster_is_asked_for_its_release(tmp_path: Path, ray: Dashboard) -> None:
    database = Database(tmp_path / "faena.db")
    Secrets(tmp_path, RAY_TOKENS).put({"big": TOKEN})
    seen = []
    away = "http://127.0.0.1:1"
    try:
        for address, offer, waits in (
            (ray.address, None, ""),
            (ray.address, Offer(), ""),
            (ray.address, Offer(), "Ray launches a node"),
            (away, Offer(), ""),
        ):
            made = _ray(address, offer, waits)
            database.submit_write(partial(compute.put_cluster, cluster=made)).result()
            [found] = ray_clusters.check_ray_clusters(Subject(tmp_path))
            seen.append((found.state, found.found, found.remedy))
    finally:
        database.close()
    assert [state for state, _, _ in seen] == [State.WARNING, State.OK, State.WARNING, State.PROBLEM]
    assert "none of its nodes has reached this workspace" in seen[0][1]
    assert "faena node open" in seen[0][2]
    assert seen[1][1] == f"Ray 2.60.0 at {ray.address}; its nodes reach this workspace"
    assert "runs wait: Ray launches a node" in seen[2][1]
    assert f"{away} cannot be reached" in seen[3][1]
    assert seen[3][2] == "faena cluster attach-ray big ADDRESS"
