"""v1's words for deploying: in both of its forms, whatever the kind of service, this machine serves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azureml.core import Environment, Webservice, Workspace
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.image import ContainerImage, Image
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
from azureml.exceptions import ComputeTargetException, WebserviceException

from faena.testing.shutdown import end_endpoints
from faena.testing.waiting import until

SCRIPT = """import json
from azureml.core.model import Model
from azureml.monitoring import ModelDataCollector

def init():
    global path
    ModelDataCollector("weights", designation="inputs", feature_names=["a"]).collect([1])
    path = Model.get_model_path("weights")

def run(raw_data):
    return len(json.loads(raw_data)["data"])
"""


@pytest.fixture
def shared(lasting_ws: Workspace) -> Iterator[Workspace]:
    """The module's workspace, left without a service."""
    yield lasting_ws
    end_endpoints(lasting_ws)


@pytest.fixture(scope="module")
def model(lasting_ws: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("weights") / "weights.bin"
    path.write_text("w")
    return Model.register(lasting_ws, str(path), "weights")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text(SCRIPT)
    return "score.py"


@pytest.fixture
def environment() -> Environment:
    made = Environment("own")
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = sys.executable
    return made


@pytest.mark.long
def test_as_notebooks_deploy_to_aci(
    shared: Workspace, model: Model, script: str, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    aciconfig = AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, tags={"data": "MNIST"}, description="Predict digits"
    )
    inference_config = InferenceConfig(entry_script=script, environment=environment)
    service = Model.deploy(shared, "my-svc", [model], inference_config, aciconfig)
    service.wait_for_deployment(show_output=True)
    out = capsys.readouterr().out
    assert "ACI is served by this machine." in out
    assert out.endswith('ACI service creation operation finished, operation "Succeeded"\n')
    assert (type(service), service.state, service.compute_type) == (AciWebservice, "Healthy", "ACI")
    assert service.run(input_data='{"data": [1, 2, 3]}') == 3
    assert not service.auth_enabled
    assert service.tags == {"data": "MNIST"}

    found = Webservice(shared, "my-svc")
    assert (type(found), found.scoring_uri) == (AciWebservice, service.scoring_uri)
    assert list(shared.webservices) == ["my-svc"]
    with pytest.raises(WebserviceException, match="nothing to change"):
        service.update()
    service.update(auth_enabled=True, tags={"a": "b"})
    assert service.run('{"data": []}') == 0
    assert len(service.get_keys()) == 2
    service.delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(shared, "my-svc")


@pytest.mark.long
def test_by_the_older_words(
    shared: Workspace,
    model: Model,
    script: str,
    environment: Environment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("packages.yml").write_text("dependencies:\n- python=3.11\n")
    image_config = ContainerImage.image_configuration(
        execution_script=script, runtime="python", conda_file="packages.yml", tags={"area": "digits"}
    )
    image = ContainerImage.create(
        name="my-image", models=[model], image_config=image_config, workspace=shared
    )
    image.wait_for_creation(show_output=True)
    assert (image.creation_state, image.name, image.image_location) == ("Succeeded", "my-image", None)
    assert Image(shared, name="my-image") is shared.images["my-image"] is image
    assert Image.list(shared, tags=["area", ["area", "digits"]], model_name=model.name) == [image]
    assert Image.list(shared, tags=[["area", "text"]]) == Image.list(shared, model_id="other:1") == []
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(
        tmp_path / "elsewhere"
    )  # as scripts go in and out of the folder of their scoring script
    service = Webservice.deploy_from_image(
        workspace=shared,
        name="older",
        image=image,
        deployment_config=AksWebservice.deploy_configuration(num_replicas=2, auth_enabled=True),
    )
    service.wait_for_deployment()
    service.update(image=image)
    service.wait_for_deployment()
    assert len(service.view.revisions) == 2
    image.delete()
    with pytest.raises(WebserviceException, match="ImageNotFound"):
        Image(shared, name="my-image")
    assert (type(service), service.view.revisions[0].workers.count) == (AksWebservice, 2)
    assert service.run('{"data": [1]}') == 1


@pytest.mark.long
def test_local_services_have_words_of_their_own(
    shared: Workspace,
    model: Model,
    script: str,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    inference_config = InferenceConfig(entry_script=script, environment=environment)
    service = Model.deploy(shared, "local", [model], inference_config, LocalWebservice.deploy_configuration())
    assert isinstance(service, LocalWebservice)
    assert service.state == "deploying"
    service.wait_for_deployment(True)
    assert capsys.readouterr().out.endswith(
        f"Local webservice is running at http://localhost:{service.port}\n"
    )
    assert (service.state, service.run('{"data": [1]}')) == ("running", 1)
    with pytest.raises(NotImplementedError):
        service.get_keys()
    Path(script).write_text(SCRIPT.replace("return len", "return 100 + len"))
    service.reload(wait=True)
    assert service.run('{"data": [1]}') == 101
    Path(script).write_text(SCRIPT.replace("return len", "return 200 + len"))
    service.update([model], LocalWebservice.deploy_configuration(), True, inference_config)
    assert service.run('{"data": [1]}') == 201
    found_again = Webservice(shared, "local")
    assert isinstance(found_again, LocalWebservice)
    with pytest.raises(WebserviceException, match="did not deploy local"):
        found_again.reload()
    found = service.environment
    assert found is not None and found.python.interpreter_path == sys.executable
    service.delete(delete_cache=True)


@pytest.mark.long
def test_as_notebooks_deploy_to_aks(
    shared: Workspace, model: Model, script: str, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeTarget(workspace=shared, name="my-aks")
    target = ComputeTarget.create(
        workspace=shared, name="my-aks", provisioning_configuration=AksCompute.provisioning_configuration()
    )
    target.wait_for_completion(show_output=True)
    assert 'operation "Succeeded"' in capsys.readouterr().out
    assert isinstance(target, AksCompute)
    assert ComputeTarget(shared, "my-aks") is target is shared.compute_targets["my-aks"]
    assert (target.provisioning_state, target.provisioning_errors) == ("Succeeded", None)
    attached = ComputeTarget.attach(shared, "other-aks", AksCompute.attach_configuration("group", "cluster"))
    assert (attached.name, attached.type) == ("other-aks", "AKS")
    config = AksWebservice.deploy_configuration(collect_model_data=True, enable_app_insights=True)
    script_config = InferenceConfig(entry_script=script, environment=environment)
    service = Model.deploy(shared, "on-aks", [model], script_config, config, target)
    service.wait_for_deployment(show_output=True)
    token, refresh_by = service.get_token()
    assert token == service.get_keys()[0] and refresh_by > datetime.now(UTC)
    assert service.run('{"data": [1, 2]}') == 2
    until(lambda: len(service.get_requests()) == 1, "what it was asked is kept")
    service.update(collect_model_data=False)
    assert service.view.settings.keep_requests == 0
    assert Webservice.deserialize(shared, service.serialize()).name == "on-aks"


def test_what_v1_refused(shared: Workspace, model: Model, script: str) -> None:
    with pytest.raises(WebserviceException, match="either environment or runtime"):
        InferenceConfig(entry_script=script)
    with pytest.raises(WebserviceException, match=r"not a \.py file"):
        InferenceConfig(entry_script="score.txt", runtime="python")
    with pytest.raises(WebserviceException, match="runtime is 'spark'"):
        InferenceConfig(entry_script=script, runtime="spark")
    with pytest.raises(WebserviceException, match="cpu_cores must be greater than 0"):
        AciWebservice.deploy_configuration(cpu_cores=0)
    with pytest.raises(WebserviceException, match="not found"):
        Webservice(shared, "nobody")
