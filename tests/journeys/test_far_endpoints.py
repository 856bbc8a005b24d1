"""A registered model answers on a machine that shares no disk with the server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faena import Environment, InferenceConfig, Model, Webservice, Workspace
from faena.kernel.errors import WebserviceException
from faena.testing.shutdown import end_endpoints
from faena.testing.waiting import until
from tests.node.joined.machines import FarMachine, cluster_of, far_machine

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


def test_from_model_to_answer(
    workspace: Workspace, model: Model, machine: FarMachine, script: Callable[[int], InferenceConfig]
) -> None:
    machine.join()
    service = Model.deploy(workspace, "far-first", [model], script(1), deployment_target=machine.cluster)
    service.wait_for_deployment(show_output=True)
    assert service.run({"data": [7]}) == [1, "w", str(machine.place), [7]]
    service.delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(workspace, "far-first")
    until(lambda: not list(machine.folder.glob("endpoints/far*")), "nothing is left on the machine")
