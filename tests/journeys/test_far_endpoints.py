"""A registered model answers on a machine that shares no disk with the server."""

from __future__ import annotations

import os
import re
import signal
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from faena import (
    CondaDependencies,
    Environment,
    InferenceConfig,
    LocalWebservice,
    Model,
    Webservice,
    Workspace,
)
from faena.kernel.errors import Conflict, FaenaError, WebserviceException
from faena.server.node_listener import certificate
from faena.testing.shutdown import end_endpoints, shut_down
from faena.testing.waiting import until
from faena_azureml.aks import AksCompute
from faena_azureml.deploying.services import AciWebservice
from faena_azureml.model import Model as V1Model
from tests.cli.terminal import within
from tests.journeys.test_server_life import module_pids
from tests.node.joined.machines import FarMachine, cluster_of, far_machine

KEEPING = LocalWebservice.deploy_configuration(keep_requests=1)
SCRIPT = """import json, os
from azureml.core.model import Model

def init():
    global weights
    print("weights from", Model.get_model_path("m"))
    weights = open(Model.get_model_path("m")).read()

def run(data):
    return [VERSION, weights, os.environ["HOME"], json.loads(data)["data"]]
"""


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    yield lasting_workspace
    end_endpoints(lasting_workspace)
    lasting_workspace.api.nodes.listen_no_more()


@pytest.fixture
def machine(workspace: Workspace, tmp_path: Path) -> Iterator[FarMachine]:
    with far_machine(cluster_of(workspace), tmp_path / "far") as found:
        yield found
        end_endpoints(workspace)


@pytest.fixture(scope="module")
def model(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("weights") / "m.bin"
    path.write_text("w")
    return Model.register(workspace, path, "m")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[int], InferenceConfig]:
    def make(number: int) -> InferenceConfig:
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / "score.py").write_text(SCRIPT.replace("VERSION", str(number)))
        environment = Environment("own")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = sys.executable
        return InferenceConfig("score.py", source_directory=tmp_path / "source", environment=environment)

    return make


@pytest.mark.long
def test_from_model_to_answer(
    workspace: Workspace, model: Model, machine: FarMachine, script: Callable[[int], InferenceConfig]
) -> None:
    service = Model.deploy(workspace, "far-first", [model], script(1), deployment_target=machine.cluster)

    def error() -> str:
        service.update_deployment_state()
        return str((service.error or {}).get("message"))

    until(lambda: "No machine has joined" in error(), "it says what it waits for")
    machine.join()
    service.wait_for_deployment(show_output=True)
    assert service.run({"data": [7]}) == [1, "w", str(machine.place), [7]]
    shown = within(workspace.folder, "endpoint", "show", "far-first").stdout.decode()
    assert f"{machine.cluster.name}/{machine.name}" in shown

    service.update(inference_config=script(2), deployment_config=KEEPING)
    service.wait_for_deployment()
    assert service.run({"data": []})[0] == 2
    assert service.run({"data": []})[0] == 2
    assert "weights from" in service.get_logs()
    until(lambda: len(service.get_requests()) >= 1, "requests are kept on the machine")
    until(
        lambda: workspace.api.endpoints.get("far-first", activity=True).activity is not None,
        "its machine tells what it did",
    )
    service.rollback()
    service.wait_for_deployment()
    assert service.run({"data": []})[0] == 1
    service.regen_key("Primary")
    until(lambda: answers(service), "the new key opens the door")

    front = front_of(machine)
    machine.end(signal.SIGKILL)
    assert service.run({"data": []})[0] == 1
    machine.start(machine.url)
    until(lambda: machine.state == "idle", "the machine is back")
    assert front_of(machine) == front
    address = service.scoring_uri
    os.kill(front, signal.SIGKILL)
    until(lambda: answers(service), "the runner has started the front again")
    service.update_deployment_state()
    assert service.scoring_uri == address

    with pytest.raises(Conflict, match="has the endpoint far-first"):
        workspace.api.nodes.remove(machine.name, machine.cluster.name)
    machine.end()  # in good order: the server knows that it is away
    service.delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(workspace, "far-first")
    os.kill(front_of(machine), 0)  # it answers on until its machine hears of it
    machine.start(machine.url)
    until(lambda: not list(machine.folder.glob("endpoints/far*")), "nothing is left on the machine")


@pytest.mark.long
def test_a_drained_machine_hands_its_endpoint_on(
    workspace: Workspace,
    model: Model,
    machine: FarMachine,
    tmp_path: Path,
    script: Callable[[int], InferenceConfig],
) -> None:
    machine.join()
    service = Model.deploy(
        workspace, "far-second", [model], script(1), deployment_target=machine.cluster.name
    )
    service.wait_for_deployment()
    with far_machine(machine.cluster, tmp_path / "barn", "barn") as other:
        other.join()
        workspace.api.nodes.drain(machine.name, machine.cluster.name)
        assert machine.process is not None
        assert machine.process.wait(120) == 0
        assert not list(machine.folder.glob("endpoints/far*"))
        service.update_deployment_state()
        assert service.run({"data": [1]}) == [1, "w", str(other.place), [1]]
        end_endpoints(workspace)


@pytest.mark.long
def test_in_v1s_words_with_tls_and_a_shadow(
    workspace: Workspace,
    model: Model,
    machine: FarMachine,
    tmp_path: Path,
    script: Callable[[int], InferenceConfig],
) -> None:
    machine.join()
    made = certificate.own(tmp_path / "tls", ["127.0.0.1"])
    config = AciWebservice.deploy_configuration(
        auth_enabled=True,
        ssl_enabled=True,
        ssl_cert_pem_file=str(made.certificate),
        ssl_key_pem_file=str(made.key),
    )
    target = AksCompute(workspace, machine.cluster.name)
    service = V1Model.deploy(workspace, "far-v1", [model], script(1), config, target)
    service.wait_for_deployment()
    assert str(service.scoring_uri).startswith("https://127.0.0.1:")
    assert service.run('{"data": [1]}') == [1, "w", str(machine.place), [1]]
    (copy,) = machine.folder.glob("endpoints/far-v1*/**/*key*.pem")
    assert copy.stat().st_mode & 0o077 == 0, "the key lies there for its runner alone"

    service.update(inference_config=script(2))
    service.wait_for_deployment()
    service.set_traffic({1: 100})
    service.set_shadow(2)
    until(lambda: service.run('{"data": [1]}')[0] == 1, "the first revision answers again")
    until(lambda: shadowed(service), "the second is asked as well, and answers otherwise")
    for words in (("nodes",), ("endpoints",)):
        shown = within(workspace.folder, *words).stdout.decode()
        (line,) = [line for line in shown.splitlines() if "far-v1" in line]
        assert machine.name in line


def shadowed(service: Webservice) -> bool:
    service.run('{"data": [1]}')
    tls = service.view.settings.tls
    assert tls is not None
    trusted = ssl.create_default_context(cafile=tls.certificate)
    asked = Request(str(service.scoring_uri).replace("/score", "/metrics"))
    asked.add_header("Authorization", f"Bearer {service.get_keys()[0]}")
    with urlopen(asked, context=trusted, timeout=30) as answer:
        return re.search(rb"shadow\S*different\S* [1-9]", answer.read()) is not None


@pytest.mark.campaign
def test_one_whose_machine_is_lost_moves_and_ends_there_when_that_is_back(
    tmp_path: Path, script: Callable[[int], InferenceConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_NODE_LEASE", "0.5,1,6,8")
    workspace = Workspace.create("lost", tmp_path / "project")
    (tmp_path / "m.bin").write_text("w")
    model = Model.register(workspace, tmp_path / "m.bin", "m")
    cluster = cluster_of(workspace)
    with (
        far_machine(cluster, tmp_path / "far") as machine,
        far_machine(cluster, tmp_path / "b", "barn") as other,
    ):
        machine.join()
        service = Model.deploy(workspace, "far-third", [model], script(1), deployment_target=cluster)
        service.wait_for_deployment()
        front = front_of(machine)
        machine.end(signal.SIGKILL)

        def state() -> str:
            service.update_deployment_state()
            return service.state

        until(lambda: state() == "Unhealthy", "it counts as out of reach")
        assert service.run({"data": []})[2] == str(machine.place)
        other.join()
        until(lambda: workspace.api.endpoints.get("far-third").machine == "barn", "it moves")
        until(lambda: state() == "Healthy", "it answers there")
        os.kill(front, 0)
        machine.start(machine.url)
        until(lambda: not list(machine.folder.glob("endpoints/far*")), "the machine that is back ends it")
        assert service.run({"data": []})[2] == str(other.place)
        end_endpoints(workspace)
    workspace.api.nodes.listen_no_more()
    shut_down(workspace)


@pytest.mark.campaign
def test_it_lives_with_a_server_that_is_killed_shares_its_traffic_and_ends_with_its_machine(
    workspace: Workspace, model: Model, machine: FarMachine, script: Callable[[int], InferenceConfig]
) -> None:
    machine.join()
    config = script(1)
    environment = Environment("built")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["six==1.16.0"])
    config.environment = environment
    service = Model.deploy(workspace, "far-fourth", [model], config, deployment_target=machine.cluster)
    service.wait_for_deployment()
    front = front_of(machine)
    (server,) = module_pids(workspace, "faena.server")
    os.kill(server, signal.SIGKILL)
    assert service.run({"data": [1]})[0] == 1, "no request passes through the server"
    service.update(inference_config=script(2))
    service.wait_for_deployment()
    assert front_of(machine) == front
    service.set_traffic({1: 50, 2: 50})
    until(lambda: {service.run({"data": []})[0] for _ in range(20)} == {1, 2}, "both revisions answer")
    machine.end(signal.SIGKILL)
    service.delete()
    workspace.api.nodes.remove(machine.name, machine.cluster.name)
    machine.start(machine.url)
    until(lambda: not list(machine.folder.glob("endpoints/far*")), "a machine that was removed holds nothing")


def front_of(machine: FarMachine) -> int:
    """Its process."""
    (lock,) = machine.folder.glob("endpoints/far*/front.lock")
    return int(lock.read_text())


def answers(service: Webservice) -> bool:
    try:
        service.update_deployment_state()
        return bool(service.run({"data": []}))
    except (FaenaError, OSError):
        return False
