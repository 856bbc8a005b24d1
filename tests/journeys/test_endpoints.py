"""A registered model is deployed, asked, updated, rolled back and deleted; server and front are killed meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from faena import Environment, Experiment, InferenceConfig, LocalWebservice, Model, Webservice, Workspace
from faena.endpoints.folder import EndpointFolder
from faena.kernel.errors import Conflict, WebserviceException
from faena.testing.kills.processes import server_of
from faena.testing.shutdown import end_endpoints
from faena.testing.waiting import until
from tests.cli.terminal import within

SCRIPT = """import json, os
from azureml.core.model import Model

def init():
    global weights
    print("weights from", Model.get_model_path("m"))
    weights = open(Model.get_model_path("m")).read()
    assert os.path.samefile(os.path.join(os.environ["AZUREML_MODEL_DIR"], "m.bin"), Model.get_model_path("m"))

def run(data):
    return [VERSION, weights, json.loads(data)["data"]]
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    yield lasting_workspace
    end_endpoints(lasting_workspace)


@pytest.fixture(scope="module")
def model(lasting_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("weights") / "m.bin"
    path.write_text("w")
    return Model.register(lasting_workspace, path, "m")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], InferenceConfig]:
    """Gives what serves a script of that text."""

    def make(text: str) -> InferenceConfig:
        (tmp_path / "score.py").write_text(text)
        environment = Environment("own")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = sys.executable
        return InferenceConfig("score.py", source_directory=tmp_path, environment=environment)

    return make


def versioned(number: int) -> str:
    return SCRIPT.replace("VERSION", str(number))


def test_from_model_to_answer(
    workspace: Workspace,
    model: Model,
    script: Callable[[str], InferenceConfig],
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = Model.deploy(workspace, "first", [model], script(versioned(1)))
    service.wait_for_deployment(show_output=True)
    assert capsys.readouterr().out.endswith(
        'Local service creation operation finished, operation "Succeeded"\n'
    )
    assert (service.state, service.traffic, service.compute_type) == ("Healthy", {1: 100}, "Local")
    assert service.run('{"data": [7]}') == [1, "w", [7]]
    assert service.run({"data": [8]}) == [1, "w", [8]]
    assert "weights from" in service.get_logs()
    assert [each.id for each in service.models] == ["m:1"]
    assert [each.name for each in Webservice.list(workspace, model_id="m:1")] == ["first"]
    assert Webservice.list(workspace, model_name="other") == []
    assert service.serialize()["modelIds"] == ["m:1"]
    assert [each.name for each in model.endpoints] == ["first"]

    with pytest.raises(Conflict, match="already exists"):
        Model.deploy(workspace, "first", [model], script(versioned(1)))
    with pytest.raises(Conflict, match="Deployed: m:1, by the endpoint first"):
        model.delete()

    service.update(inference_config=script(versioned(2)))
    service.wait_for_deployment()
    assert service.run({"data": []}) == [2, "w", []]
    service.rollback()
    service.wait_for_deployment()
    assert service.run({"data": []}) == [1, "w", []]
    service.set_traffic({1: 1, 2: 1})
    service.wait_for_deployment()
    assert {service.run({"data": []})[0] for _ in range(60)} == {1, 2}
    service.delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound: Webservice with name first"):
        Webservice(workspace, "first")


@pytest.mark.long
def test_one_that_does_not_come_up_leaves_the_last_one(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]
) -> None:
    broken = "def init():\n    raise ValueError('no such weights')\n\ndef run(data):\n    return 1\n"
    service = Model.deploy(workspace, "second", [model], script(broken))
    with pytest.raises(
        WebserviceException, match=r"state: Failed(.|\n)*ValueError: no such weights(.|\n)*line 2, in init"
    ):
        service.wait_for_deployment()
    assert service.state == "Failed"
    assert "no such weights" in service.get_logs()
    service.update(inference_config=script(versioned(1)))
    service.wait_for_deployment()
    service.update(inference_config=script(broken))
    with pytest.raises(WebserviceException, match="no such weights"):
        service.wait_for_deployment()
    assert (service.state, service.traffic) == ("Healthy", {2: 100})
    assert service.run({"data": [3]}) == [1, "w", [3]]


@pytest.mark.long
def test_keys(workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]) -> None:
    service = Model.deploy(workspace, "third", [model], script(versioned(1)))
    service.wait_for_deployment()
    primary, secondary = service.get_keys()
    assert primary != secondary
    assert [status(service, key) for key in (None, "wrong", primary, secondary)] == [401, 401, 200, 200]
    service.regen_key("Primary")
    assert service.get_keys()[1] == secondary
    until(lambda: status(service, primary) == 401, "the old key opens nothing")
    assert status(service, service.get_keys()[0]) == 200
    keys = EndpointFolder.of(workspace.files.path, "third").path / "keys.json"
    assert keys.stat().st_mode & 0o077 == 0
    service.update(auth_enabled=False)
    until(lambda: status(service, None) == 200, "no key is asked for")
    service.update(deployment_config=LocalWebservice.deploy_configuration(max_body_bytes=3))
    until(lambda: status(service, None) == 413, "a body that is longer is refused")
    assert service.revision == 1
    with pytest.raises(WebserviceException, match="workers cannot change without a new revision"):
        service.update(deployment_config=LocalWebservice.deploy_configuration(workers=2))


def status(service: LocalWebservice, key: str | None) -> int:
    connection = HTTPConnection("localhost", service.view.port or 0, timeout=30)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    connection.request("POST", "/score", '{"data": []}', headers)
    found = connection.getresponse().status
    connection.close()
    return found


@pytest.mark.long
def test_the_front_answers_without_the_server_and_comes_back_where_it_was_from_a_damaged_folder(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]
) -> None:
    service = Model.deploy(workspace, "fourth", [model], script(versioned(1)))
    service.wait_for_deployment()
    key, _ = service.get_keys()
    folder = EndpointFolder.of(workspace.files.path, "fourth")
    front = folder.front_pid()
    assert front is not None
    server = server_of(workspace.files.path)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    assert status(service, key) == 200
    assert Webservice(workspace, "fourth").state == "Healthy"
    assert folder.front_pid() == front
    for name in ("endpoint.json", "status.json", "front.lock"):
        (folder.path / name).write_bytes(b"{")
    os.kill(front, signal.SIGKILL)
    until(lambda: folder.front_pid() not in (None, front), "another front is there")
    until(lambda: answers(service, key), "it answers at the same address")


def answers(service: LocalWebservice, key: str) -> bool:
    try:
        return status(service, key) == 200
    except OSError:
        return False


def test_what_cannot_be_deployed(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig], tmp_path: Path
) -> None:
    config = script(versioned(1))
    for name in ("No", "a_b", "-x", "x" * 33):
        with pytest.raises(WebserviceException, match="not a valid service name"):
            Model.deploy(workspace, name, [model], config)
    with pytest.raises(WebserviceException, match="no registered model"):
        Model.deploy(workspace, "fifth", ["m:1"], config)  # type: ignore[list-item]  # what is refused
    with pytest.raises(WebserviceException, match="workers is 0"):
        Model.deploy(workspace, "fifth", [model], config, LocalWebservice.deploy_configuration(workers=0))
    with pytest.raises(WebserviceException, match="is no file in"):
        InferenceConfig("other.py", source_directory=tmp_path)
    with pytest.raises(WebserviceException, match="No environment is given"):
        Model.deploy(workspace, "fifth", [model], InferenceConfig("score.py", source_directory=tmp_path))
    assert workspace.api.endpoints.list() == []


@pytest.mark.long
def test_of_many_that_deploy_one_name_at_once_one_does(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]
) -> None:
    config = script(versioned(1))

    def deploy(_: int) -> str:
        try:
            return f"revision {Model.deploy(workspace, 'seventh', [model], config).revision}"
        except Conflict as error:
            return str(error)[:30]

    with ThreadPoolExecutor(50) as pool:
        told = Counter(pool.map(deploy, range(50)))
    assert told == {"revision 1": 1, "Service seventh already exists": 49}
    Webservice(workspace, "seventh").wait_for_deployment()


def test_a_port_that_is_taken_fails_and_says_so(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configuration = LocalWebservice.deploy_configuration(port)
        service = Model.deploy(workspace, "fifth", [model], script(versioned(1)), configuration)
        with pytest.raises(WebserviceException, match=f"{port}"):
            service.wait_for_deployment()


@pytest.mark.long
def test_a_folder_that_is_gone_is_made_again(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]
) -> None:
    service = Model.deploy(workspace, "sixth", [model], script(versioned(1)))
    service.wait_for_deployment()
    front = EndpointFolder.of(workspace.files.path, "sixth").front_pid()
    server = server_of(workspace.files.path)
    assert front is not None
    assert server is not None
    os.kill(server, signal.SIGKILL)
    os.kill(front, signal.SIGKILL)
    shutil.rmtree(EndpointFolder.of(workspace.files.path, "sixth").path)
    key = ""

    def comes_back() -> bool:
        nonlocal key
        service.update_deployment_state()
        key = service.get_keys()[0]
        return service.view.port is not None and answers(service, key)

    until(comes_back, "it answers with new keys")
    assert service.run({"data": [5]}) == [1, "w", [5]]


@pytest.mark.long
def test_requests_are_kept_where_that_is_asked_for(
    workspace: Workspace, model: Model, script: Callable[[str], InferenceConfig]
) -> None:
    keeping = LocalWebservice.deploy_configuration(keep_requests=1)
    service = Model.deploy(workspace, "seventh", [model], script(versioned(1)), keeping)
    service.wait_for_deployment()
    service.run({"data": [5]})
    assert status(service, "wrong") == 401

    def kept() -> bool:
        return len(service.get_requests()) == 1

    until(kept, "it is kept")
    front = EndpointFolder.of(workspace.files.path, "seventh").front_pid()
    assert front is not None
    os.kill(front, signal.SIGKILL)
    table = service.get_requests()
    assert (list(table["request"]), list(table["answer"]), list(table["revision"])) == (
        [{"data": [5]}],
        [[1, "w", [5]]],
        [1],
    )
    folder = EndpointFolder.of(workspace.files.path, "seventh").path
    kept_bytes = b"".join(path.read_bytes() for path in (folder / "requests").iterdir())
    assert service.get_keys()[0].encode() not in kept_bytes
    service.update(deployment_config=LocalWebservice.deploy_configuration(keep_requests=0))
    with pytest.raises(WebserviceException, match="keep_requests is 2"):
        service.update(deployment_config=LocalWebservice.deploy_configuration(keep_requests=2))
    service.delete()
    assert not folder.exists()


@pytest.mark.long
def test_at_the_command_line(
    workspace: Workspace, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace.write_config(workspace.folder)

    def faena(*words: str) -> str:
        done = within(workspace.folder, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    named = Model.register(workspace, model.download(tmp_path, exist_ok=True), "My_model.v1")
    script = ("--script", "score.py", "--source", str(tmp_path), "--user-managed")
    (tmp_path / "score.py").write_text(
        "def init():\n    print('it begins')\n\ndef run(data):\n    return [7]\n"
    )
    half = within(workspace.folder, "deploy", named.name, *script, "--certificate", "c.pem")
    assert half.returncode == 1 and b"together or not at all" in half.stderr
    assert "my-model-v1  Healthy" in faena("deploy", named.name, *script, "--host", "127.0.0.2")
    shown = json.loads(faena("endpoint", "show", "my-model-v1", "--json"))
    assert shown["scoring_uri"].startswith("http://127.0.0.2:")
    assert faena("call", "my-model-v1", "--data", "{}") == "[7]\n"
    assert "My_model.v1:1" in faena("endpoints")
    assert "my-model-v1 (100 %)" in faena("show-model", named.name)
    assert json.loads(faena("show-model", named.name, "--json"))["endpoints"] == [
        {"name": "my-model-v1", "share": 100}
    ]
    assert "My_model.v1:1" in faena("endpoint", "show", "my-model-v1")
    assert json.loads(faena("endpoint", "requests", "my-model-v1", "--json")) == []
    with Experiment(workspace, "my-model-v1").start_logging():  # the id of a run of that experiment begins so
        assert "it begins" in faena("logs", "my-model-v1")
    assert len(json.loads(faena("endpoint", "keys", "my-model-v1", "--json"))["primary"]) == 48
    assert faena("endpoint", "delete", "my-model-v1") == "my-model-v1 is deleted.\n"
    missing = within(workspace.folder, "logs", "my-model-v2")
    assert missing.returncode == 1 and b"no run and no endpoint 'my-model-v2'" in missing.stderr
