"""Other machines reach the server at an address that was asked for, with a token, and do no more than nodes do."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import faena
from faena import CondaDependencies, Environment, JoinedCluster, Workspace
from faena.attempts.records import ORDERS
from faena.client.runs.experiment import Experiment
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel import settings
from faena.kernel.errors import ComputeTargetException, Conflict, UserErrorException
from faena.server.node_listener import rights
from faena.testing.waiting import until

JOINING = {
    "name": "shed",
    "version": faena.__version__,
    "wire": settings.WIRE_VERSION,
    "orders": ORDERS,
    "python": "3.11.2",
    "platform": "linux-x86_64",
    "cores": 2,
}


@dataclass
class Machine:
    """What speaks to the listener as a runner does."""

    url: str
    token: str
    node: str = ""

    def ask(self, verb: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        parts = urlsplit(self.url)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port or 443, timeout=30, context=context
        )
        try:
            headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(verb, path, data, headers)
            answer = connection.getresponse()
            said = answer.read()
            return answer.status, json.loads(said) if said else None
        finally:
            connection.close()

    def join(self, name: str = "shed", **changes: Any) -> tuple[int, Any]:
        status, said = self.ask("POST", "/nodes/join", {**JOINING, "name": name} | changes)
        if status == 201:
            self.token, self.node = said["token"] or self.token, said["node"]
        return status, said

    def ship(self, order: dict[str, Any], stream: str, data: bytes) -> tuple[int, Any]:
        """What is there of the stream then, or the code of the error."""
        head = json.dumps({"segments": [[stream, 0, len(data)]]}).encode()
        path = f"/attempts/{order['run_id']}/{order['attempt']}/{order['rank']}/ship"
        status, said = self.ask(
            "POST", path, len(head).to_bytes(4, "little") + head + data, token=order["token"]
        )
        return status, said["offsets"] if status == 200 else said["code"]

    def finish(self, order: dict[str, Any]) -> None:
        """The script has run."""
        attempt = f"/attempts/{order['run_id']}/{order['attempt']}/{order['rank']}"
        outcome = {"outcome": {"reason": "completed"}, "at": None}
        for step, body in (("started", {"at": 1}), ("ended", outcome), ("closed", None)):
            assert self.ask("PUT", f"{attempt}/{step}", body, token=order["token"])[0] == 204


@pytest.fixture
def machines(lasting_workspace: Workspace) -> JoinedCluster:
    lasting_workspace.api.nodes.listen(ListenerRequest())
    return JoinedCluster.create(lasting_workspace, f"shop-{os.urandom(4).hex()}", max_nodes=2)


def newcomer(cluster: JoinedCluster) -> Machine:
    made = cluster.join_token()
    return Machine(made.url, made.token)


def test_a_machine_joins_and_is_given_a_run(
    machines: JoinedCluster, lasting_workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("print('here')")
    source = ScriptRunConfig(str(tmp_path), script="train.py", compute_target=machines.name)
    run = Experiment(lasting_workspace, "far").submit(source)
    machine = newcomer(machines)
    status, joined = machine.join()
    assert status == 201
    assert joined["workspace"]["name"] == lasting_workspace.name
    status, answer = machine.ask("POST", f"/nodes/{machine.node}/work?wait=20&orders={ORDERS}")
    order = answer["order"]
    assert (status, order["run_id"], order["cores"]) == (200, run.id, 2)
    assert str(lasting_workspace.folder) not in json.dumps(order)
    attempt = f"/attempts/{run.id}/1/0"
    assert machine.ask("GET", f"{attempt}/offsets")[0] == 403
    assert machine.ask("GET", f"{attempt}/offsets", token=order["token"])[0] == 200
    assert machine.ask("GET", f"/attempts/{run.id}/2/0/offsets", token=order["token"])[0] == 403
    log = "log/azureml-logs/70_driver_log.txt"
    assert machine.ship(order, log, b"from afar\n") == (200, {log: 10})
    assert machine.ship(order, log, b"from afar\n") == (200, {log: 10}), "once, however often it is sent"
    assert machine.ship(order, "log/../x", b"x") == (400, "UserErrorException")
    machine.finish(order)
    run.download_file(log.removeprefix("log/"), str(tmp_path / "log"))
    assert (tmp_path / "log").read_text() == "from afar\n"
    assert run.get_status() == "Completed"
    assert machine.ask("POST", f"/nodes/{machine.node}/beat", {"running": ""})[0] == 200
    (found,) = machines.nodes()
    assert (found.name, found.state, found.cores, found.address) == ("shed", "idle", 2, "127.0.0.1")


def test_one_of_a_later_faena_is_told_both_versions(machines: JoinedCluster) -> None:
    status, said = newcomer(machines).join(wire=999, version="9.9", says_more="of what nobody knows yet")
    assert (status, said["code"]) == (426, "ProtocolMismatch")
    assert "Faena 9.9 (wire 999" in said["message"]
    assert f"Faena {faena.__version__}" in said["message"]


@pytest.mark.long
def test_a_gpu_is_that_of_a_machine_and_waited_for_by_name(
    machines: JoinedCluster, lasting_workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("print('here')")
    source = ScriptRunConfig(str(tmp_path), script="train.py", compute_target=machines.name)
    source.run_config.gpu = "require"
    run = Experiment(lasting_workspace, "far").submit(source)
    without, having = newcomer(machines), newcomer(machines)
    without.join("without")
    assert "order" not in without.ask("POST", f"/nodes/{without.node}/work?wait=0&orders={ORDERS}")[1]
    until(lambda: run.get_status() == "Queued", "its environment is known")
    assert lasting_workspace.api.run(run.id).blocker == "0 of 1 nodes with a GPU are free"
    having.join("having", gpus=["0", "1"])
    order = having.ask("POST", f"/nodes/{having.node}/work?wait=20&orders={ORDERS}")[1]["order"]
    assert (order["run_id"], order["gpus"]) == (run.id, "0,1")
    having.finish(order)


def test_an_interpreter_of_the_nodes_is_not_looked_for_here(
    machines: JoinedCluster, lasting_workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("print('here')")
    source = ScriptRunConfig(str(tmp_path), script="train.py", compute_target=machines.name)
    source.run_config.environment.python.user_managed_dependencies = True
    source.run_config.environment.python.interpreter_path = "/opt/theirs/bin/python"
    run = Experiment(lasting_workspace, "far").submit(source)
    machine = newcomer(machines)
    machine.join()
    order = machine.ask("POST", f"/nodes/{machine.node}/work?wait=20&orders={ORDERS}")[1]["order"]
    assert (order["run_id"], order["environment"]["interpreter"]) == (run.id, "/opt/theirs/bin/python")
    machine.finish(order)


@pytest.mark.long
def test_an_environment_is_resolved_for_nodes_elsewhere_and_built_by_them(
    machines: JoinedCluster, lasting_workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("print('here')")
    environment = Environment("own")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["iniconfig==2.0.0"])
    source = ScriptRunConfig(
        str(tmp_path), script="train.py", compute_target=machines.name, environment=environment
    )
    run = Experiment(lasting_workspace, "far").submit(source)
    machine = newcomer(machines)
    machine.join()
    order = machine.ask("POST", f"/nodes/{machine.node}/work?wait=50&orders={ORDERS}")[1]["order"]
    assert order["run_id"] == run.id
    lock = order["environment"]["lock"]
    assert not (settings.home_path() / "envs" / lock / ".ready").exists()
    run.download_file("azureml-logs/20_image_build_log.txt", str(tmp_path / "log.txt"))
    assert "the node builds it" in (tmp_path / "log.txt").read_text()
    machine.finish(order)


@pytest.mark.long
def test_who_has_no_token_or_a_wrong_one_is_answered_nothing(machines: JoinedCluster) -> None:
    made = machines.join_token()
    for token in ("", "FAENA1-plain-0123", made.token[:-1] + "x", "a.b"):
        for verb, path in (("GET", "/version"), ("GET", "/nowhere"), ("PUT", "/runs/x"), ("DELETE", "/")):
            assert Machine(made.url, token).ask(verb, path)[0] == 401
    assert Machine(made.url, "FAENA1-plain-0123").join()[0] == 401


def test_a_join_token_is_for_joining_only(machines: JoinedCluster) -> None:
    machine = newcomer(machines)
    assert machine.ask("GET", "/version")[0] == 401


@pytest.mark.long
def test_a_machine_does_what_nodes_do_and_no_more(machines: JoinedCluster) -> None:
    machine = newcomer(machines)
    machine.join()
    assert machine.ask("GET", "/version")[1]["wire"] == settings.WIRE_VERSION
    for verb, path in (
        ("POST", "/door"),
        ("POST", "/nodes/tokens"),
        ("POST", "/nodes/listener"),
        ("POST", "/nodes/node-of-another/beat"),
        ("GET", "/runs"),
        ("GET", "/backups"),
        ("DELETE", "/clusters/shop"),
        ("GET", "/snapshots/../runs"),
    ):
        assert machine.ask(verb, path)[0] == 403, path


def test_a_machine_comes_back_with_its_own_token_as_a_new_node(machines: JoinedCluster) -> None:
    machine = newcomer(machines)
    machine.join()
    before = machine.node
    status, said = machine.join()
    assert (status, said["token"]) == (201, "")
    assert machine.node != before
    assert len(machines.nodes()) == 1
    assert machine.ask("POST", f"/nodes/{machine.node}/beat", {})[1]["lost"] is False


def test_a_cluster_takes_no_more_machines_than_it_may_have(machines: JoinedCluster) -> None:
    assert newcomer(machines).join("one")[0] == 201
    assert newcomer(machines).join("two")[0] == 201
    status, said = newcomer(machines).join("three")
    assert (status, said["code"]) == (400, "ComputeTargetException")
    assert "--max-nodes 3" in said["message"]
    assert {each.name for each in machines.nodes()} == {"one", "two"}


def test_a_name_that_a_living_node_has_is_refused(machines: JoinedCluster) -> None:
    newcomer(machines).join("one")
    status, said = newcomer(machines).join("one")
    assert (status, said["code"]) == (409, "Conflict")


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a/b"},
        {"cores": 0},
        {"cores": 10**6},
        {"gpus": ["0,1"]},
        {"address": "x y"},
        {"labels": {"k": "v" * 300}},
        {"memory_bytes": -1},
    ],
)
def test_what_a_machine_cannot_say_of_itself_is_named(
    machines: JoinedCluster, changes: dict[str, Any]
) -> None:
    status, said = newcomer(machines).join(**changes)
    assert (status, said["code"]) == (400, "UserErrorException")
    assert next(iter(changes)).removesuffix("s") in said["message"]


def test_another_version_is_refused_and_both_are_named(machines: JoinedCluster) -> None:
    status, said = newcomer(machines).join(version="9.9.9", orders=ORDERS + 1)
    assert status == 426
    assert "9.9.9" in said["message"]
    assert faena.__version__ in said["message"]


def test_a_machine_that_is_drained_leaves_and_one_that_is_removed_is_unknown(
    machines: JoinedCluster, lasting_workspace: Workspace
) -> None:
    machine = newcomer(machines)
    machine.join()
    lasting_workspace.api.nodes.drain("shed", machines.name)
    work = f"/nodes/{machine.node}/work?wait=0&orders={ORDERS}"
    assert machine.ask("POST", work)[1] == {"leave": True, "why": "drained"}
    lasting_workspace.api.nodes.remove("shed", machines.name)
    removed = f"The machine 'shed' of '{machines.name}' was removed from this workspace at 20"
    for path in (work, "/nodes/join"):
        status, said = machine.ask("POST", path, JOINING)
        assert (status, said["message"].startswith(removed)) == (401, True)
    assert machines.nodes() == []


def test_the_certificate_is_the_one_that_the_token_names(machines: JoinedCluster) -> None:
    made = machines.join_token()
    parts = urlsplit(made.url)
    pem = ssl.get_server_certificate((str(parts.hostname), parts.port or 443))
    assert made.token.split("-")[1] == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def test_no_machine_joins_a_cluster_of_the_servers_own_host(
    machines: JoinedCluster, lasting_workspace: Workspace
) -> None:
    faena.Cluster.create(lasting_workspace, "cpu")
    with pytest.raises(ComputeTargetException, match="--joined"):
        JoinedCluster(lasting_workspace, "cpu").join_token()


def test_who_opens_it_again_listens_where_machines_look_for_it(
    machines: JoinedCluster, lasting_workspace: Workspace
) -> None:
    machine = newcomer(machines)
    machine.join()
    nodes = lasting_workspace.api.nodes
    before = nodes.listen(ListenerRequest())
    nodes.listen_no_more()
    assert nodes.listen(ListenerRequest()) == before
    assert machine.ask("POST", f"/nodes/{machine.node}/beat", {})[1]["lost"] is False


def test_nothing_listens_unless_it_is_asked_for(
    machines: JoinedCluster, lasting_workspace: Workspace
) -> None:
    lasting_workspace.api.nodes.listen_no_more()
    cluster = JoinedCluster.create(lasting_workspace, "other")
    with pytest.raises(Conflict, match="faena node open"):
        cluster.join_token()


@pytest.mark.parametrize(
    "asked", [ListenerRequest("nowhere"), ListenerRequest("0.0.0.0", tls=False), ListenerRequest(port=70000)]
)
def test_where_nobody_can_listen_is_named(lasting_workspace: Workspace, asked: ListenerRequest) -> None:
    with pytest.raises(UserErrorException):
        lasting_workspace.api.nodes.listen(asked)


def test_rules_match_whole_paths() -> None:
    assert rights.allows(rights.OF_MACHINE, "n1", "POST", "/nodes/n1/beat")
    assert not rights.allows(rights.OF_MACHINE, "n1", "POST", "/nodes/n2/beat")
    assert not rights.allows(rights.OF_MACHINE, "n1", "POST", "/nodes/n1/beat/x")
    assert rights.allows(rights.OF_ATTEMPT, "run/1/0", "POST", "/attempts/run/1/0/ship")
    assert not rights.allows(rights.OF_ATTEMPT, "run/1/0", "POST", "/attempts/run/1/01/ship")


def test_nobody_starts_nodes_of_a_joined_cluster(machines: JoinedCluster) -> None:
    with pytest.raises(
        ComputeTargetException, match=r"min_nodes of .* is 1, but its nodes are machines that join"
    ):
        machines.update(min_nodes=1)
    machines.update(max_nodes=3)
